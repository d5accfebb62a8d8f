import * as ratio from '../../money/ratio.ts';
import type { FlatPrice } from '../../prices/index.ts';
import type { Days, Facts } from '../explain/facts.ts';
import { crossings, type Proration, type Usage, WHOLE_PERIOD } from '../usage.ts';
import type { RateUsage } from './model.ts';

const NONE: Proration = { numerator: 0n, denominator: 1n };

/** The fee, once: in advance with the part that begins the period, otherwise with the one that ends it. */
export function flat(price: FlatPrice): RateUsage {
  const quantity = price.quantity === undefined ? null : ratio.read(price.quantity);
  const fee = ratio.multiply(ratio.read(price.amount), quantity ?? ratio.whole(1n));
  return (usage) => {
    const share = shareDue(price, usage);
    if (share.numerator === 0n) return [];
    const amount = ratio.multiply(fee, share);
    return [{ kind: 'flat', quantity, unitAmount: price.amount, amount, facts: () => factsOf(price, share) }];
  };
}

/** The share of the period's days; as text where it is not all of them. */
export function daysOf({ numerator, denominator, unit }: Proration): Days {
  const partly = numerator > 0n && numerator < denominator;
  if (!partly) return { days: null, daysInPeriod: null };
  return { days: String(numerator), daysInPeriod: String(denominator), ...(unit && { unit }) };
}

function factsOf(price: FlatPrice, share: Proration): Facts {
  const counted = price.quantity === undefined ? {} : { count: price.quantity };
  return price.interval === 'once' ? { type: 'one_time_fee', ...counted } : { type: 'flat_fee', ...counted, ...daysOf(share) };
}

function shareDue({ paymentTerm, interval }: FlatPrice, usage: Usage): Proration {
  const { part, feesOnUse } = usage;
  if (feesOnUse) return { numerator: crossings(usage, ratio.ZERO), denominator: 1n };
  const due = paymentTerm === 'advance' ? part.begins : part.ends;
  if (interval === 'once') return part.firstPeriod && (part.sharesFees ? part.begins : due) ? WHOLE_PERIOD : NONE;
  return due || part.sharesFees ? part.proration : NONE;
}
