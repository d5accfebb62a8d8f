import { Fault, type FaultDetail } from '@meterline/domain/faults';

export const JSON_DEPTH_MAX = 16;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

/** Text of a body. Fails with `request.invalid_utf8`. */
export function decodeUtf8(body: Uint8Array): string {
  try {
    return utf8.decode(body);
  } catch (cause) {
    throw new Fault('invalid', 'request.invalid_utf8', 'The body is not valid UTF-8.', { cause });
  }
}

/**
 * What JSON.parse has against a text, without the excerpts of it that V8 adds (`..."like this"...`): they would repeat what may be
 * secret, in answers and in logs.
 */
export function jsonSyntaxReason(error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  // The token may itself be a quote, so it is not looked into.
  return /^Unexpected token '.'/su.exec(message)?.[0] || message.split(/,? ?(?:\.{3})?"/, 1)[0] || 'syntax error';
}

/**
 * A JSON body as a value without traps: no keys that reach into prototypes, nested at most JSON_DEPTH_MAX deep. An empty body is
 * undefined, so that the route's schema says what is missing.
 */
export function parseJsonBody(body: Uint8Array): unknown {
  if (body.length === 0) return undefined;
  const text = decodeUtf8(body);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Fault('invalid', 'request.malformed_json', `The body is not JSON: ${jsonSyntaxReason(cause)}.`, { cause });
  }
  const keys: FaultDetail[] = [];
  inspect(value, '', 1, keys);
  if (keys.length > 0)
    throw new Fault('invalid', 'request.forbidden_key', 'The body has keys that are not allowed.', { errors: keys });
  return value;
}

function inspect(value: unknown, path: string, depth: number, forbidden: FaultDetail[]): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth > JSON_DEPTH_MAX) {
    const errors = [{ path: path.slice(0, 256), message: `nested deeper than ${JSON_DEPTH_MAX} levels` }];
    throw new Fault('invalid', 'request.too_deep', `The body is nested deeper than ${JSON_DEPTH_MAX} levels.`, { errors });
  }
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) inspect(item, `${path}[${index}]`, depth + 1, forbidden);
    return;
  }
  for (const [key, item] of Object.entries(value)) {
    const at = path === '' ? key : `${path}.${key}`;
    if (key === '__proto__' || key === 'constructor') forbidden.push({ path: at, message: `the key ${key} is not allowed` });
    else inspect(item, at, depth + 1, forbidden);
  }
}
