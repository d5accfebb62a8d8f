import * as ratio from '../money/ratio.ts';
import type { Ratio } from '../money/ratio.ts';
import type { Measure, MeasuredGroup } from './measure.ts';

/**
 * What a price model gets to see: usage in the half-open range `(from, to]`, both counted from the start of the billing period in the
 * price's own unit and never negative. `to < from` takes back usage that was billed and then corrected.
 */
export interface Usage {
  readonly from: Measure;
  readonly to: Measure;
  /** The usage of the whole period as far as it is known, which settles the tier of a volume price. */
  readonly end: Measure;
  readonly part: PeriodPart;
  /** Usage of this billing period was billed before, even if all of it was free. */
  readonly billedBefore: boolean;
  /** The seats held later, in time order; of a price per seat alone. */
  readonly seatsLater: readonly SeatsHeld[];
  /** Fees fall due with the first unit (overage, a cell of a matrix) instead of with the period, even unused. */
  readonly feesOnUse: boolean;
}

/** The seats held from an instant of the period on, and how many of its days (or seconds) are left then. */
export interface SeatsHeld {
  readonly held: Measure;
  readonly days: number;
}

/** Which part of a billing period is charged, and what falls due with it. */
export interface PeriodPart {
  /** This part begins, or ends, the billing period; a whole period does both. */
  readonly begins: boolean;
  readonly ends: boolean;
  /** The tier of a volume price is settled with this part. */
  readonly settlesVolume: boolean;
  /** Fees of the period are due in every part by its days, as each part has a price of its own. */
  readonly sharesFees: boolean;
  /** It is the subscription's first billing period. */
  readonly firstPeriod: boolean;
  readonly proration: Proration;
}

/** The share of a billing period that is charged, as days of days or seconds of seconds; only fees for the period heed it. */
export interface Proration {
  readonly numerator: bigint;
  readonly denominator: bigint;
  /** Absent for days. */
  readonly unit?: 'second' | undefined;
}

export const WHOLE_PERIOD: Proration = { numerator: 1n, denominator: 1n };

/** How often a fee for going beyond `threshold` is due: 1 if this usage does, -1 if its correction takes that back, else 0. */
export function crossings(usage: Usage, threshold: Ratio): bigint {
  const beyond = ({ quantity }: Measure) => (ratio.compare(quantity, threshold) > 0 ? 1n : 0n);
  return beyond(usage.to) - beyond(usage.from);
}

/** How often the fee of a price's first tier is due: once per period, even unused, unless fees wait for usage. */
export function firstFees(usage: Usage): bigint {
  if (usage.feesOnUse) return crossings(usage, ratio.ZERO);
  return usage.part.begins && !usage.billedBefore ? 1n : 0n;
}

/** The units of this usage. Negative for a correction. */
export function quantityOf({ from, to }: Usage): Ratio {
  return ratio.subtract(to.quantity, from.quantity);
}

/** The part of the usage in `(lower, upper]`; null is open. Negative for a correction. */
export function quantityWithin(usage: Usage, lower: Ratio, upper: Ratio | null): Ratio {
  return ratio.subtract(unitsWithin(usage.to.quantity, lower, upper), unitsWithin(usage.from.quantity, lower, upper));
}

function unitsWithin(quantity: Ratio, lower: Ratio, upper: Ratio | null): Ratio {
  if (ratio.compare(quantity, lower) <= 0) return ratio.ZERO;
  const capped = upper !== null && ratio.compare(quantity, upper) > 0 ? upper : quantity;
  return ratio.subtract(capped, lower);
}

/** The same usage, measured otherwise. */
export function mapUsage(usage: Usage, change: (measure: Measure) => Measure): Usage {
  const { from, to, end, seatsLater } = usage;
  const changed = change(to);
  const later = seatsLater.length === 0 ? seatsLater : seatsLater.map(({ held, days }) => ({ held: change(held), days }));
  return { ...usage, from: change(from), to: changed, end: end === to ? changed : change(end), seatsLater: later };
}

/** The same usage counted from `units` on: what lies below them is no part of it. Groups use them up in their order. */
export function usageBeyond(usage: Usage, units: Ratio): Usage {
  return mapUsage(usage, (measure) => split(measure, units).beyond);
}

/** The same usage up to and including `units`. */
export function usageUpTo(usage: Usage, units: Ratio): Usage {
  return mapUsage(usage, (measure) => split(measure, units).within);
}

function split(measure: Measure, units: Ratio): { within: Measure; beyond: Measure } {
  const [within, beyond] = splitAt(measure.quantity, units);
  if (measure.groups === null) return { within: { ...measure, quantity: within }, beyond: { ...measure, quantity: beyond } };
  let left = units;
  const under: MeasuredGroup[] = [];
  const over: MeasuredGroup[] = [];
  for (const { dimensions, measure: own } of measure.groups) {
    const [taken, rest] = splitAt(own.quantity, left);
    left = ratio.subtract(left, taken);
    under.push({ dimensions, measure: { ...own, quantity: taken } });
    over.push({ dimensions, measure: { ...own, quantity: rest } });
  }
  return { within: { ...measure, quantity: within, groups: under }, beyond: { ...measure, quantity: beyond, groups: over } };
}

function splitAt(quantity: Ratio, units: Ratio): [within: Ratio, beyond: Ratio] {
  if (ratio.compare(quantity, units) <= 0) return [quantity, ratio.ZERO];
  return [units, ratio.subtract(quantity, units)];
}
