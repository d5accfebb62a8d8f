import * as ratio from '../../money/ratio.ts';
import type { FlatPrice } from '../../prices/index.ts';
import { exact, type Line } from '../charge.ts';
import { crossings, type Proration, type Usage } from '../usage.ts';

/** The fee, once: in advance with the part that begins the period, otherwise with the one that ends it. */
export function rateFlat(price: FlatPrice, usage: Usage): Line[] {
  const share = shareDue(price, usage);
  if (share.numerator === 0n) return [];
  const partly = share.numerator > 0n && share.numerator < share.denominator;
  const description = `Flat fee of ${price.amount}` + (partly ? ` for ${share.numerator} of ${share.denominator} days` : '');
  const amount = ratio.multiply(exact(price.amount), share);
  return [{ kind: 'flat', description, quantity: null, unitAmount: price.amount, amount }];
}

function shareDue(price: FlatPrice, usage: Usage): Proration {
  if (usage.feesOnUse) return { numerator: crossings(usage, ratio.ZERO), denominator: 1n };
  const due = price.paymentTerm === 'advance' ? usage.beginsPeriod : usage.endsPeriod;
  return due ? usage.proration : { numerator: 0n, denominator: 1n };
}
