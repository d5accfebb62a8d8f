import * as ratio from '../money/ratio.ts';
import type { Ratio } from '../money/ratio.ts';
import type { Modifiers, Price } from '../prices/index.ts';
import { exactText } from './line.ts';
import { type Measure, measureOf, notBelowZero, NOTHING, sumOf } from './measure.ts';
import type { MeteredUsage } from './metered-usage.ts';
import { unitsCarriedOver, usageForAllowance } from './modifiers/index.ts';
import { type Usage, WHOLE_PERIOD } from './usage.ts';

export interface PeriodUsage {
  /** In force when the period ends. */
  readonly price: Price;
  readonly modifiers?: Modifiers | undefined;
  /** Of the period's parts, as finely as the price needs it. */
  readonly usage: readonly MeteredUsage[];
  /** Units that earlier periods left over. */
  readonly carriedUnits?: string | undefined;
}

/**
 * Units of its allowance that a whole billing period leaves to the next one, by the terms in force when it ends; null where they carry nothing over.
 * Throws as `evaluatePrice`.
 */
export function carriedOver({ price, modifiers = {}, usage, carriedUnits }: PeriodUsage): string | null {
  const { allowance } = modifiers;
  if (!allowance?.carryOver) return null;
  const used = usageForAllowance(modifiers, price, wholePeriod(usage.map(measureOf).reduce(sumOf, NOTHING)));
  return unitsCarriedOver(allowance, { used: exactText(unitsIn(used.to)), carriedUnits });
}

/** Groups, where there are any, use an allowance up one after the other. */
function unitsIn({ quantity, groups }: Measure): Ratio {
  return groups === null ? quantity : ratio.sum(groups.map(({ measure }) => measure.quantity));
}

function wholePeriod(used: Measure): Usage {
  const to = notBelowZero(used);
  return {
    from: NOTHING,
    to,
    end: to,
    part: { begins: true, ends: true, settlesVolume: true, sharesFees: false, firstPeriod: true, proration: WHOLE_PERIOD },
    billedBefore: false,
    seatsLater: [],
    feesOnUse: false,
  };
}
