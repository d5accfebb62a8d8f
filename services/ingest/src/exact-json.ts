import { Fault } from '@meterline/domain/faults';

/**
 * Could this text hold a number that a double does not keep as written? Looks for 16 or more digits, or an exponent of 3 digits, where
 * a number can stand. Text inside strings may raise a false alarm, which only costs time.
 */
const SUSPECT = /[:,[\s]-?\d(?:[\d.]{15}|[\d.]*[eE][-+]?\d{3})/;

/**
 * JSON.parse that loses no digit: a number that a double cannot keep as written (18 digits, 1e400) becomes text with exactly the digits
 * that were sent. Throws SyntaxError like JSON.parse.
 */
export function parseExactJson(text: string): unknown {
  // First without a reviver: it is fast, and refuses wrong syntax.
  const value: unknown = JSON.parse(text);
  if (!SUSPECT.test(text)) return value;
  try {
    return JSON.parse(text, keepDigits);
  } catch (cause) {
    // Only reviving is recursive, so only it can run out of stack.
    throw new Fault('invalid', 'request.too_deep', 'The body is nested too deep.', { cause });
  }
}

function keepDigits(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === 'number' && context?.source !== undefined && !isKept(value, context.source) ? context.source : value;
}

/** A double keeps any 15 significant digits, unless it overflows or underflows; beyond that, the text must come back the same. */
function isKept(value: number, source: string): boolean {
  if (String(value) === source) return true;
  const digits = (source.split(/[eE]/, 1)[0] ?? '').replace(/[-.]/g, '').replace(/^0+|0+$/g, '');
  if (digits === '') return true;
  const magnitude = Math.abs(value);
  return digits.length <= 15 && magnitude >= 1e-290 && magnitude <= 1e290;
}
