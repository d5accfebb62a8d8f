import { decimal } from '../money/index.ts';
import { divideRounded } from '../money/rounding.ts';
import type { WindowFold } from './meter.ts';

/** The quotient of two quantities of one scale, rounded to 12 decimals, halves away from zero. `denominator` > 0. */
export function quotient(numerator: bigint, denominator: bigint): bigint {
  return divideRounded(numerator, denominator, 'half_up');
}

/**
 * Folds the usage of windows into one quantity. `values`: of the windows that had usage, in any order, at least one; `windows`: how many there are,
 * with or without. A percentile is by nearest rank: the smallest value that at least so many percent of the windows do not exceed. For the 95th
 * of 8,640 windows that is the 433rd from above, as data centres bill bandwidth: the top 5 % are thrown away, the next is billed.
 */
export function foldWindows(fold: WindowFold, values: readonly bigint[], windows: number): bigint {
  const counted = fold.emptyWindows === 'skip' ? values.length : windows;
  switch (fold.take) {
    case 'max':
      return values.reduce((most, value) => (value > most ? value : most));
    case 'sum':
      return values.reduce((sum, value) => sum + value, 0n);
    case 'average':
      return quotient(
        values.reduce((sum, value) => sum + value, 0n),
        BigInt(counted),
      );
    case 'percentile':
      return valueAt(values, rankOf(fold.percentile ?? '100', counted), counted);
  }
}

/** ceil(percentile / 100 * count), at least 1. */
function rankOf(percentile: string, count: number): number {
  const { units, scale } = decimal(percentile);
  return Number(divideRounded(units * BigInt(count), 100n * 10n ** BigInt(scale), 'ceiling'));
}

/** The value of `rank` (from 1) among `values` in ascending order, filled up with zeros to `count`. */
function valueAt(values: readonly bigint[], rank: number, count: number): bigint {
  const sorted = values.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const negative = sorted.findIndex((value) => value >= 0n);
  const below = negative < 0 ? sorted.length : negative;
  if (rank <= below) return sorted[rank - 1] ?? 0n;
  const zeros = count - sorted.length;
  return rank <= below + zeros ? 0n : (sorted[rank - 1 - zeros] ?? 0n);
}
