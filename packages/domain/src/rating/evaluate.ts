import { Fault } from '../faults/index.ts';
import { isCurrency } from '../money/index.ts';
import * as ratio from '../money/ratio.ts';
import { exact, type Charge } from './charge.ts';
import type { PriceEvaluation, PriceInput } from './evaluation.ts';
import { STEPS } from './modifiers/index.ts';
import { settleLines, summarize } from './summary.ts';
import { WHOLE_PERIOD, type Proration } from './usage.ts';

/**
 * What `price` with its modifiers asks for `quantity`: pure, exact, rounded once. Price and modifiers must have passed their schemas.
 * Usage below zero counts as zero. Throws Fault `decimal.malformed` for a quantity or amount that is no decimal, `currency.unknown`.
 */
export function evaluatePrice(input: PriceInput): PriceEvaluation {
  return evaluateShare(input, WHOLE_PERIOD);
}

/** As `evaluatePrice`, with flat prices charged for a share of the billing period only. */
export function evaluateShare(input: PriceInput, proration: Proration): PriceEvaluation {
  if (!isCurrency(input.currency)) {
    throw new Fault('invalid', 'currency.unknown', `${JSON.stringify(input.currency)} is not an ISO 4217 currency code`, {
      errors: [{ path: 'currency', message: 'currency must be an ISO 4217 code in capitals, such as "USD"' }],
    });
  }
  const charge = STEPS.reduce((made, step) => settleLines(step(made), input.currency), chargeOf(input, proration));
  return summarize(charge.lines, input.currency, input.modifiers?.rounding);
}

function chargeOf(input: PriceInput, proration: Proration): Charge {
  const { periodPosition: position } = input;
  const before = exact(input.previousQuantity ?? '0');
  const endsPeriod = position === undefined || position === 'last';
  const usage = {
    from: ratio.max(before, ratio.ZERO),
    to: ratio.max(ratio.add(before, exact(input.quantity)), ratio.ZERO),
    beginsPeriod: position === undefined || position === 'first',
    endsPeriod,
    billedBefore: ratio.sign(before) > 0,
    feesOnUse: false,
    proration,
  };
  return {
    modifiers: input.modifiers ?? {},
    previousAmount: exact(input.previousAmount ?? '0'),
    endsPeriod,
    portions: [{ kind: 'regular', price: input.price, usage }],
    lines: [],
  };
}
