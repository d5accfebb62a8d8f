import type { Meter } from '../meters/index.ts';
import { decimal, formatDecimal, multiply } from '../money/index.ts';
import * as ratio from '../money/ratio.ts';
import type { Ratio } from '../money/ratio.ts';

/** As it was. */
export const ONCE = 1n;
/** How much more usage the second look at the plans assumes. */
export const TWICE = 2n;

/** `factor` times a quantity: every digit of it. */
export function scaledQuantity(quantity: string, factor: bigint): string {
  return formatDecimal(multiply(decimal(quantity), { units: factor, scale: 0 }));
}

/**
 * What so many times the usage does to what a meter reads. A count or sum grows with it exactly (`exact`); an average or a least value
 * stays as it is (`unchanged`). Of everything else (a peak, unique users, a level over time) it is taken for granted that it grows as
 * much (`assumed`).
 */
export type Scaling = 'exact' | 'assumed' | 'unchanged';

export function scalingOf(meter: Pick<Meter, 'aggregation' | 'fold'>): Scaling {
  switch (meter.aggregation) {
    case 'count':
    case 'sum':
      return meter.fold === undefined ? 'exact' : 'assumed';
    case 'average':
    case 'min':
      return 'unchanged';
    case 'max':
    case 'latest':
    case 'unique_count':
    case 'weighted_sum':
    case 'peak_concurrency':
      return 'assumed';
  }
}

const PLACES = 12;

/** A quantity that grows with time, over so many times the time: rounded to 12 decimals. */
export function lengthenedQuantity(quantity: string, longer: Ratio): string {
  return formatDecimal(ratio.round(ratio.multiply(ratio.of(decimal(quantity)), longer), PLACES));
}

/** Whether a meter reads more over a longer time of the same use: a sum does, a peak, a mean or the users who are active do not. */
export function growsWithTime({ aggregation, fold, level }: Pick<Meter, 'aggregation' | 'fold' | 'level'>): boolean {
  if (fold !== undefined) return fold.take === 'sum';
  if (aggregation === 'weighted_sum') return level?.unit !== 'period';
  return aggregation === 'sum' || aggregation === 'count';
}
