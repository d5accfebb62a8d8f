import * as ratio from '../money/ratio.ts';
import type { Ratio } from '../money/ratio.ts';

/**
 * What a price model gets to see: usage in the half-open range `(from, to]`, both counted from the start of the billing period in the
 * price's own unit and never negative. `to < from` takes back usage that was billed and then corrected.
 */
export interface Usage {
  readonly from: Ratio;
  readonly to: Ratio;
  /** This part begins, or ends, the billing period; a whole period does both. */
  readonly beginsPeriod: boolean;
  readonly endsPeriod: boolean;
  /** Usage of this billing period was billed before. */
  readonly billedBefore: boolean;
  /** Fees fall due with the first unit (overage) instead of with the period, even unused. */
  readonly feesOnUse: boolean;
  readonly proration: Proration;
}

/** The share of a billing period that is charged, as days of days; only flat prices heed it. */
export interface Proration {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

export const WHOLE_PERIOD: Proration = { numerator: 1n, denominator: 1n };

/** How often a fee for going beyond `threshold` is due: 1 if this usage does, -1 if its correction takes that back, else 0. */
export function crossings(usage: Usage, threshold: Ratio): bigint {
  const beyond = (quantity: Ratio) => (ratio.compare(quantity, threshold) > 0 ? 1n : 0n);
  return beyond(usage.to) - beyond(usage.from);
}

/** How often the fee of a price's first tier is due: once per period, even unused, unless fees wait for usage. */
export function firstFees(usage: Usage): bigint {
  if (usage.feesOnUse) return crossings(usage, ratio.ZERO);
  return usage.beginsPeriod && !usage.billedBefore ? 1n : 0n;
}

/** The part of the usage in `(lower, upper]`; null is open. Negative for a correction. */
export function quantityWithin(usage: Usage, lower: Ratio, upper: Ratio | null): Ratio {
  const below = (quantity: Ratio) => {
    const capped = upper === null ? quantity : ratio.min(quantity, upper);
    return ratio.max(ratio.subtract(capped, lower), ratio.ZERO);
  };
  return ratio.subtract(below(usage.to), below(usage.from));
}

/** The same usage counted from `units` on: what lies below them is no part of it. */
export function usageBeyond(usage: Usage, units: Ratio): Usage {
  const beyond = (quantity: Ratio) => ratio.max(ratio.subtract(quantity, units), ratio.ZERO);
  return { ...usage, from: beyond(usage.from), to: beyond(usage.to) };
}

/** The same usage up to and including `units`. */
export function usageUpTo(usage: Usage, units: Ratio): Usage {
  return { ...usage, from: ratio.min(usage.from, units), to: ratio.min(usage.to, units) };
}
