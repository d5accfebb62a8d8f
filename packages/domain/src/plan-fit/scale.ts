import type { Meter } from '../meters/index.ts';
import { decimal, formatDecimal, multiply } from '../money/index.ts';

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
