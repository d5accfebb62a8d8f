import { decimal, exponentOfTen, powerOfTen, type Decimal } from './decimal.ts';
import { divideRounded, type RoundingMode } from './rounding.ts';

/**
 * An exact fraction, for what decimals cannot hold: seconds as minutes, 17 of 31 days. `denominator` > 0.
 * Not reduced: only its value means anything.
 */
export interface Ratio {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

const USUAL_PLACES = 12;
const USUAL_DENOMINATOR = powerOfTen(USUAL_PLACES);

/** With the denominator of every decimal of up to 12 places, to be compared with them at once. */
export const ZERO: Ratio = { numerator: 0n, denominator: USUAL_DENOMINATOR };

/**
 * Whatever has up to 12 decimals, as quantities and unit prices do, comes with the same denominator, so that sums and comparisons of
 * them need not look for a common one.
 */
export function of(d: Decimal): Ratio {
  if (d.scale > USUAL_PLACES) return { numerator: d.units, denominator: powerOfTen(d.scale) };
  return { numerator: d.units * powerOfTen(USUAL_PLACES - d.scale), denominator: USUAL_DENOMINATOR };
}

/** Reads a decimal. Throws Fault `decimal.malformed`. */
export function read(text: string): Ratio {
  return of(decimal(text));
}

/** `n` of something. */
export function whole(n: bigint): Ratio {
  return { numerator: n, denominator: 1n };
}

/** The same value in lowest terms, for a factor that is used many times. */
export function reduced(r: Ratio): Ratio {
  const divisor = greatestCommonDivisor(r.numerator, r.denominator);
  return { numerator: r.numerator / divisor, denominator: r.denominator / divisor };
}

export function add(a: Ratio, b: Ratio): Ratio {
  if (a.numerator === 0n) return b;
  if (b.numerator === 0n) return a;
  if (a.denominator === b.denominator) return { numerator: a.numerator + b.numerator, denominator: a.denominator };
  // Mostly powers of ten: growing to the larger one keeps long sums small.
  if (a.denominator % b.denominator === 0n) return extend(a, b);
  if (b.denominator % a.denominator === 0n) return extend(b, a);
  return {
    numerator: a.numerator * b.denominator + b.numerator * a.denominator,
    denominator: a.denominator * b.denominator,
  };
}

export function sum(terms: readonly Ratio[]): Ratio {
  return terms.reduce(add, ZERO);
}

export function subtract(a: Ratio, b: Ratio): Ratio {
  if (a.denominator === b.denominator) return { numerator: a.numerator - b.numerator, denominator: a.denominator };
  return add(a, negate(b));
}

export function multiply(a: Ratio, b: Ratio): Ratio {
  return { numerator: a.numerator * b.numerator, denominator: a.denominator * b.denominator };
}

/** `b` must not be zero: a RangeError, as only a caller's defect gets here. */
export function divide(a: Ratio, b: Ratio): Ratio {
  if (b.numerator === 0n) throw new RangeError('division by zero');
  const sign = b.numerator < 0n ? -1n : 1n;
  return { numerator: sign * a.numerator * b.denominator, denominator: sign * b.numerator * a.denominator };
}

export function negate(r: Ratio): Ratio {
  return { numerator: -r.numerator, denominator: r.denominator };
}

/** -1, 0 or 1. */
export function sign(r: Ratio): -1 | 0 | 1 {
  return r.numerator === 0n ? 0 : r.numerator < 0n ? -1 : 1;
}

export function compare(a: Ratio, b: Ratio): -1 | 0 | 1 {
  const [left, right] =
    a.denominator === b.denominator ? [a.numerator, b.numerator] : [a.numerator * b.denominator, b.numerator * a.denominator];
  return left === right ? 0 : left < right ? -1 : 1;
}

export function min(a: Ratio, b: Ratio): Ratio {
  return compare(a, b) <= 0 ? a : b;
}

export function max(a: Ratio, b: Ratio): Ratio {
  return compare(a, b) >= 0 ? a : b;
}

export function round(r: Ratio, places: number, mode: RoundingMode = 'half_up'): Decimal {
  return { units: divideRounded(r.numerator * powerOfTen(places), r.denominator, mode), scale: places };
}

/** The same value as a decimal, or to `placesOtherwise` digits if its expansion never ends (1/3). */
export function toDecimal(r: Ratio, placesOtherwise: number): Decimal {
  const scale = exponentOfTen(r.denominator);
  if (scale !== undefined) return { units: r.numerator, scale };
  let rest = r.denominator / greatestCommonDivisor(r.numerator, r.denominator);
  let [twos, fives] = [0, 0];
  for (; rest % 2n === 0n; rest /= 2n) twos += 1;
  for (; rest % 5n === 0n; rest /= 5n) fives += 1;
  return round(r, rest === 1n ? Math.max(twos, fives) : placesOtherwise);
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  let [x, y] = [a < 0n ? -a : a, b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

function extend(wide: Ratio, narrow: Ratio): Ratio {
  return {
    numerator: wide.numerator + narrow.numerator * (wide.denominator / narrow.denominator),
    denominator: wide.denominator,
  };
}
