import { Fault } from '../faults/index.ts';
import { divideRounded, type RoundingMode } from './rounding.ts';

/** An exact decimal: `units / 10^scale`. Two of them may be equal in value with different scales: compare with `compare`. */
export interface Decimal {
  readonly units: bigint;
  readonly scale: number;
}

export const ZERO: Decimal = { units: 0n, scale: 0 };

const POWERS = Array.from({ length: 64 }, (_, exponent) => 10n ** BigInt(exponent));

/** 10^exponent, for 0 or more: raising a bigint anew costs more than the division it is for. */
export function powerOfTen(exponent: number): bigint {
  return POWERS[exponent] ?? 10n ** BigInt(exponent);
}

const EXPONENTS = new Map(POWERS.map((power, exponent) => [power, exponent]));

/** The exponent of a power of ten (up to 10^63); undefined for every other number. */
export function exponentOfTen(power: bigint): number | undefined {
  return EXPONENTS.get(power);
}

const SYNTAX = /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/;
// Far beyond any amount or quantity, and small enough that no text can ask for a number of a million digits.
const TEXT_LENGTH_MAX = 200;
const EXPONENT_MAX = 100;

/** Reads `-12.50`, `+3`, `1e-7`. Throws Fault `decimal.malformed` for everything else, including "", ".5", "NaN" and "1,000". */
export function decimal(text: string): Decimal {
  const match = text.length <= TEXT_LENGTH_MAX ? SYNTAX.exec(text) : null;
  const exponent = parseInt(match?.[4] ?? '0', 10);
  if (!match || Math.abs(exponent) > EXPONENT_MAX) {
    throw new Fault(
      'invalid',
      'decimal.malformed',
      `${JSON.stringify(text.slice(0, 40))} is not a decimal number such as "12.50"`,
    );
  }
  const fraction = (match[3] ?? '').replace(/0+$/, '');
  const digits = BigInt((match[2] ?? '') + fraction);
  const units = match[1] === '-' ? -digits : digits;
  const scale = fraction.length - exponent;
  return scale >= 0 ? { units, scale } : { units: units * powerOfTen(-scale), scale: 0 };
}

/** The shortest plain text: no exponent, no trailing zeros, never "-0". */
export function formatDecimal(d: Decimal): string {
  const text = fixed(d);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** All `scale` digits, kept as they are. */
export function fixed(d: Decimal): string {
  const digits = (d.units < 0n ? -d.units : d.units).toString().padStart(d.scale + 1, '0');
  const point = digits.length - d.scale;
  return (d.units < 0n ? '-' : '') + digits.slice(0, point) + (d.scale > 0 ? '.' + digits.slice(point) : '');
}

export function add(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  return { units: unitsAt(a, scale) + unitsAt(b, scale), scale };
}

export function subtract(a: Decimal, b: Decimal): Decimal {
  return add(a, negate(b));
}

export function multiply(a: Decimal, b: Decimal): Decimal {
  return { units: a.units * b.units, scale: a.scale + b.scale };
}

export function negate(d: Decimal): Decimal {
  return { units: -d.units, scale: d.scale };
}

/** -1, 0 or 1 as `a` is below, equal to or above `b` in value. */
export function compare(a: Decimal, b: Decimal): -1 | 0 | 1 {
  const scale = Math.max(a.scale, b.scale);
  const difference = unitsAt(a, scale) - unitsAt(b, scale);
  return difference === 0n ? 0 : difference < 0n ? -1 : 1;
}

export function min(a: Decimal, b: Decimal): Decimal {
  return compare(a, b) <= 0 ? a : b;
}

export function max(a: Decimal, b: Decimal): Decimal {
  return compare(a, b) >= 0 ? a : b;
}

export function isZero(d: Decimal): boolean {
  return d.units === 0n;
}

export function isNegative(d: Decimal): boolean {
  return d.units < 0n;
}

/** `d` with exactly `places` digits behind the point (0 or more). */
export function roundDecimal(d: Decimal, places: number, mode: RoundingMode = 'half_up'): Decimal {
  if (d.scale <= places) return { units: unitsAt(d, places), scale: places };
  return { units: divideRounded(d.units, powerOfTen(d.scale - places), mode), scale: places };
}

/** The units of `d` at a scale no smaller than its own. */
function unitsAt(d: Decimal, scale: number): bigint {
  return d.scale === scale ? d.units : d.units * powerOfTen(scale - d.scale);
}
