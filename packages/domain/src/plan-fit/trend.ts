import { decimal, formatDecimal } from '../money/index.ts';
import * as ratio from '../money/ratio.ts';
import type { Ratio } from '../money/ratio.ts';
import { percentOf, percentText, whole } from './percent.ts';

/** With fewer steps from month to month there is no trend to speak of. */
const STEPS_MIN = 2;

export interface Trend {
  /** By how much a month is above the one before (below zero: beneath it), in percent. */
  readonly growthPercent: string;
  /** The next month, if it grows like that; to as many decimals as the months have. */
  readonly forecast: string;
}

/**
 * The median of the growth from each month to the next, and the last month grown once more. The median, as one campaign month then
 * changes nothing, and steady growth by a percentage is met exactly, which a straight line through the months would miss. Steps from
 * nothing have no percentage and are left out. Null with too few of them.
 */
export function trendOf(months: readonly string[]): Trend | null {
  const quantities = months.map((quantity) => decimal(quantity));
  const steps = quantities.slice(1).flatMap((quantity, index): Ratio[] => {
    const before = quantities[index];
    return before === undefined || before.units <= 0n ? [] : [ratio.divide(ratio.of(quantity), ratio.of(before))];
  });
  const last = quantities.at(-1);
  if (steps.length < STEPS_MIN || last === undefined) return null;
  const growth = medianOf(steps);
  const places = Math.max(...quantities.map(({ scale }) => scale));
  const next = ratio.max(ratio.multiply(ratio.of(last), growth), ratio.ZERO);
  return {
    growthPercent: percentText(percentOf(ratio.subtract(growth, whole(1n)), whole(1n))),
    forecast: formatDecimal(ratio.round(next, places)),
  };
}

/** Of an even number: half-way between the two in the middle. */
function medianOf(values: readonly Ratio[]): Ratio {
  const sorted = values.toSorted(ratio.compare);
  const upper = sorted.length >> 1;
  const middle = sorted.slice(sorted.length % 2 === 0 ? upper - 1 : upper, upper + 1);
  return ratio.divide(ratio.sum(middle), whole(BigInt(middle.length)));
}
