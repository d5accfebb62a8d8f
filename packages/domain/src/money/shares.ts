import { Fault } from '../faults/index.ts';
import { roundDecimal, type Decimal } from './decimal.ts';
import * as ratio from './ratio.ts';
import type { RoundingMode } from './rounding.ts';

/** `d * numerator / denominator` (> 0), exact until its one rounding to `places`: 31.00 for 17 of 31 days is 17.00. */
export function prorate(
  d: Decimal,
  numerator: bigint,
  denominator: bigint,
  places: number,
  mode: RoundingMode = 'half_up',
): Decimal {
  return ratio.round(ratio.multiply(ratio.of(d), { numerator, denominator }), places, mode);
}

/**
 * Splits `total` in proportion to `weights` (not negative, not all zero) into shares of `places` digits that sum to `total` rounded
 * to `places`: each share is cut toward zero, and what is left goes, one smallest unit each, to the largest remainders, earlier
 * shares first. Throws Fault `allocation.weights_invalid`.
 */
export function allocate(total: Decimal, weights: readonly Decimal[], places: number): Decimal[] {
  const scale = Math.max(0, ...weights.map((weight) => weight.scale));
  const parts = weights.map((weight) => roundDecimal(weight, scale).units);
  const whole = parts.reduce((a, b) => a + b, 0n);
  if (whole === 0n || parts.some((part) => part < 0n)) {
    throw new Fault('invalid', 'allocation.weights_invalid', 'weights must not be negative and must not all be zero');
  }
  const { units } = roundDecimal(total, places);
  const [size, sign] = units < 0n ? [-units, -1n] : [units, 1n];
  const shares = parts.map((part, index) => ({ index, units: (size * part) / whole, remainder: (size * part) % whole }));
  const left = size - shares.reduce((a, share) => a + share.units, 0n);
  const luckiest = shares.toSorted((a, b) =>
    a.remainder === b.remainder ? a.index - b.index : a.remainder > b.remainder ? -1 : 1,
  );
  const raised = new Set(luckiest.filter((_, rank) => BigInt(rank) < left).map((share) => share.index));
  return shares.map((share) => ({ units: sign * (share.units + (raised.has(share.index) ? 1n : 0n)), scale: places }));
}
