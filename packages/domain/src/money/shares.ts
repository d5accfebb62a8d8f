import { Fault } from '../faults/index.ts';
import { powerOfTen, roundDecimal, type Decimal } from './decimal.ts';
import * as ratio from './ratio.ts';
import type { Ratio } from './ratio.ts';
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

/**
 * Rounds the sum of `amounts` once, and each of them down or up so that they still add up to it: all are cut toward minus infinity,
 * and what is left goes, one smallest unit each, to the largest remainders, earlier ones first.
 */
export function roundTogether(amounts: readonly Ratio[], places: number, mode: RoundingMode): Decimal[] {
  const scale = ratio.whole(powerOfTen(places));
  const cut = amounts.map((amount, index) => {
    const scaled = ratio.multiply(amount, scale);
    const { units } = ratio.round(scaled, 0, 'floor');
    return { index, units, remainder: ratio.subtract(scaled, ratio.whole(units)) };
  });
  const left = ratio.round(ratio.sum(amounts), places, mode).units - cut.reduce((sum, { units }) => sum + units, 0n);
  const luckiest = cut.toSorted((a, b) => ratio.compare(b.remainder, a.remainder) || a.index - b.index);
  const raised = new Set(luckiest.filter((_, rank) => BigInt(rank) < left).map(({ index }) => index));
  return cut.map(({ index, units }) => ({ units: units + (raised.has(index) ? 1n : 0n), scale: places }));
}
