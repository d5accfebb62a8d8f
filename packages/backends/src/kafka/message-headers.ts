import type { AppendBatch, RecordFault, RecordKind } from '@meterline/pipeline/ports';
import { wireReader } from './wire/wire-reader.ts';
import { varintSize, writeVarint } from './wire/wire-writer.ts';

/**
 * Headers of a message. Only Meterline's own programs write the time; they also see to the partition. Text is UTF-8.
 *
 * | header                   |          | value                                                            |
 * | ------------------------ | -------- | ---------------------------------------------------------------- |
 * | `meterline-tenant`       | required | the tenant, 1 to 256 characters without control characters        |
 * | `meterline-kind`         | optional | `event` (default), `void` or `replace`                           |
 * | `meterline-appended-ms`  | ours     | when ingest took it, epoch milliseconds; else the broker's time   |
 * | `meterline-received-ms`  | optional | the same by the clock of a sandbox, if that is the tenant         |
 */
const TENANT = 'meterline-tenant';
const KIND = 'meterline-kind';
const APPENDED = 'meterline-appended-ms';
const RECEIVED = 'meterline-received-ms';

const empty = Buffer.alloc(0);
const kinds: readonly RecordKind[] = ['event', 'void', 'replace'];

export interface Origin {
  readonly tenant: string;
  readonly kind: RecordKind;
  /** Undefined for a message of another program. */
  readonly appendedAtMs: number | undefined;
  /** Undefined: by the tenant's time it came when it came by the server's. */
  readonly receivedAtMs: number | undefined;
  /** What is wrong with the headers, or undefined. The tenant is '' if it is not known. */
  readonly fault: RecordFault | undefined;
}

/** Number of headers and the headers, as they stand in a message. */
export function encodeHeaders(
  { tenant, appendedAtMs, receivedAtMs = appendedAtMs }: Pick<AppendBatch, 'tenant' | 'appendedAtMs' | 'receivedAtMs'>,
  kind: RecordKind,
): Buffer {
  const headers = [
    [TENANT, tenant],
    ...(kind === 'event' ? [] : [[KIND, kind]]),
    [APPENDED, String(appendedAtMs)],
    ...(receivedAtMs === appendedAtMs ? [] : [[RECEIVED, String(receivedAtMs)]]),
  ];
  const texts = headers.flatMap(([name = '', value = '']) => [Buffer.from(name), Buffer.from(value)]);
  const sizeBytes = texts.reduce((sum, text) => sum + varintSize(text.length) + text.length, varintSize(headers.length));
  const into = Buffer.allocUnsafe(sizeBytes);
  let at = writeVarint(into, headers.length, 0);
  for (const text of texts) {
    at = writeVarint(into, text.length, at);
    at += text.copy(into, at);
  }
  return into;
}

/** Reads the headers of one message after the other; those of an append are alike, and read once. */
export function createOriginReader(tenantDefault: string | undefined): (headers: Buffer) => Origin {
  let lastBytes: Buffer = empty;
  let last: Origin | undefined;
  return (headers) => {
    if (last === undefined || !headers.equals(lastBytes)) {
      last = originOf(headers, tenantDefault);
      lastBytes = headers;
    }
    return last;
  };
}

function originOf(bytes: Buffer, tenantDefault: string | undefined): Origin {
  const headers = decodeHeaders(bytes);
  const tenant = headers.get(TENANT) ?? tenantDefault;
  const kindText = headers.get(KIND) ?? 'event';
  const kind = kinds.find((one) => one === kindText);
  const appended = headers.get(APPENDED);
  const received = headers.get(RECEIVED);
  const origin = (fault: Origin['fault']): Origin => ({
    tenant: tenant !== undefined && isTenant(tenant) ? tenant : '',
    kind: kind ?? 'event',
    appendedAtMs: epochMs(appended),
    receivedAtMs: epochMs(received),
    fault,
  });
  const malformed = (detail: string): Origin => origin({ code: 'event.malformed', detail });
  if (tenant === undefined) return malformed(`the message has no header ${TENANT}`);
  if (!isTenant(tenant)) return malformed(`the header ${TENANT} must have 1 to 256 characters, without control characters`);
  if (kind === undefined) return malformed(`the header ${KIND} must be event, void or replace`);
  if (appended !== undefined && epochMs(appended) === undefined)
    return malformed(`the header ${APPENDED} must be epoch milliseconds`);
  if (received !== undefined && epochMs(received) === undefined)
    return malformed(`the header ${RECEIVED} must be epoch milliseconds`);
  return origin(undefined);
}

function epochMs(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function isTenant(text: string): boolean {
  return text.length > 0 && text.length <= 256 && !/\p{Cc}|\ufffd/u.test(text);
}

/** By name; of several with one name the last. One without a value is as if it were not there. */
function decodeHeaders(bytes: Buffer): Map<string, string> {
  const reader = wireReader(bytes);
  const headers = new Map<string, string>();
  for (let count = reader.varint(); count > 0; count--) {
    const name = reader.varintBytes()?.toString() ?? '';
    const value = reader.varintBytes();
    if (value !== null) headers.set(name, value.toString());
  }
  return headers;
}
