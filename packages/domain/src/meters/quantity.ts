import { decimal } from '../money/index.ts';

/** Metered values are fixed point with 12 decimals, as the usage store keeps them: 1 unit = 10^12. */
export const QUANTITY_SCALE = 12;
const ONE = 10n ** BigInt(QUANTITY_SCALE);
/** Largest magnitude of one event's value: 10^11 such events still fit the store's Decimal(38, 12), whose overflow would wrap silently. */
const QUANTITY_MAX = 10n ** 15n * ONE;
const POWERS = Array.from({ length: QUANTITY_SCALE + 1 }, (_, power) => 10n ** BigInt(power));
const [ZERO, NINE, POINT] = [48, 57, 46];
const DECIMAL = /^([+-]?)(\d{1,40})(?:\.(\d{1,40}))?(?:[eE]([+-]?\d{1,3}))?$/;

export type QuantityRefusal = 'missing' | 'not_numeric' | 'too_precise' | 'too_large';

/** A metered value from event data: a JSON number or decimal text. Exact, never by way of floating point arithmetic. */
export function parseQuantity(value: unknown): bigint | QuantityRefusal {
  if (typeof value === 'number')
    return Number.isSafeInteger(value) ? inRange(BigInt(value) * ONE) : parseDecimalText(String(value));
  if (typeof value === 'string') return parseDecimalText(value);
  return value === undefined || value === null ? 'missing' : 'not_numeric';
}

function parseDecimalText(text: string): bigint | QuantityRefusal {
  return parseShortDecimal(text) ?? parseAnyDecimal(text);
}

/** Nearly every value: up to 15 digits, at most 12 of them decimals. Undefined: look closer. */
function parseShortDecimal(text: string): bigint | undefined {
  if (text.length === 0 || text.length > 15) return undefined;
  let digits = 0;
  let decimals = -1;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === POINT && decimals < 0 && at > 0) decimals = 0;
    else if (code >= ZERO && code <= NINE) {
      digits = digits * 10 + (code - ZERO);
      if (decimals >= 0) decimals += 1;
    } else return undefined;
  }
  if (decimals === 0 || decimals > QUANTITY_SCALE) return undefined;
  return BigInt(digits) * (POWERS[QUANTITY_SCALE - Math.max(decimals, 0)] ?? ONE);
}

function parseAnyDecimal(text: string): bigint | QuantityRefusal {
  const match = DECIMAL.exec(text);
  if (!match) return 'not_numeric';
  const [, sign, whole = '', fraction = '', exponentText] = match;
  const exponent = exponentText === undefined ? 0 : Number(exponentText);
  if (exponent > 60) return 'too_large';
  const digits = BigInt(whole + fraction);
  const shift = QUANTITY_SCALE - fraction.length + exponent;
  if (shift < 0) {
    const divisor = 10n ** BigInt(-shift);
    return digits % divisor === 0n ? inRange(signed(digits / divisor, sign)) : 'too_precise';
  }
  return inRange(signed(digits * 10n ** BigInt(shift), sign));
}

function signed(magnitude: bigint, sign: string | undefined): bigint {
  return sign === '-' ? -magnitude : magnitude;
}

function inRange(units: bigint): bigint | QuantityRefusal {
  return units <= QUANTITY_MAX && units >= -QUANTITY_MAX ? units : 'too_large';
}

/** Decimal text of a fixed-point quantity, without trailing zeros. */
export function formatQuantity(units: bigint): string {
  if (units === 0n) return '0';
  const sign = units < 0n ? '-' : '';
  const digits = (units < 0n ? -units : units).toString().padStart(QUANTITY_SCALE + 1, '0');
  const point = digits.length - QUANTITY_SCALE;
  let end = digits.length;
  while (end > point && digits.charCodeAt(end - 1) === ZERO) end -= 1;
  return end === point ? sign + digits.slice(0, point) : `${sign}${digits.slice(0, point)}.${digits.slice(point, end)}`;
}

/** The fixed-point quantity of decimal text as the usage store answers it; of any size, at most 12 decimals. */
export function quantityOf(text: string): bigint {
  const { units, scale } = decimal(text);
  return units * 10n ** BigInt(QUANTITY_SCALE - scale);
}
