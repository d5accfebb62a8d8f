import type { Modifiers, Price } from '../../prices/index.ts';
import type { Step } from '../charge.ts';
import type { Measure } from '../measure.ts';
import { pricingOf } from '../models/index.ts';
import type { Rounding } from '../rounding.ts';
import { mapUsage } from '../usage.ts';
import { capAtMaximum, raiseToMinimum } from './commitment.ts';
import { spendCredits } from './credits.ts';
import { roundEvents } from './event-rounding.ts';
import { grantAllowance, grantFreeUnits } from './included.ts';
import type { MoneyStep } from './money-step.ts';
import { takePercentOff } from './percent-off.ts';
import { applyPrice } from './price.ts';
import { convertUnits } from './unit-conversion.ts';

export { capAtMaximum, raiseToMinimum };
export { type Bill, type Limit, type MoneyStep, type MoneyTerms, moneyTermsOf } from './money-step.ts';
export { unitsCarriedOver } from './included.ts';

/** How usage becomes money, in this order; a modifier that is not there takes no step. LIMITS and CREDITS follow. */
export function usageSteps(modifiers: Modifiers, rounding: Rounding, price: Price): readonly Step[] {
  const { unitConversion, freeUnits, allowance, percentOff } = modifiers;
  const pricing = pricingOf(price);
  const overage = allowance?.overagePrice ? pricingOf(allowance.overagePrice) : null;
  const inOrder = pricing.inOrder ?? overage?.inOrder;
  return [
    unitConversion && convertUnits(unitConversion, inOrder !== undefined),
    inOrder && arrangeGroups(inOrder),
    freeUnits !== undefined && grantFreeUnits(freeUnits),
    allowance && grantAllowance(allowance, overage?.rate ?? null),
    applyPrice(pricing.rate),
    rounding.scope === 'event' && roundEvents(pricing, rounding),
    percentOff !== undefined && takePercentOff(percentOff),
  ].filter((step) => typeof step === 'function');
}

/** What holds a period's bill between its maximum and its minimum. */
export const LIMITS: readonly MoneyStep[] = [capAtMaximum, raiseToMinimum];

/** What pays for it, last of all. */
export const CREDITS: readonly MoneyStep[] = [spendCredits];

function arrangeGroups(inOrder: (measure: Measure) => Measure): Step {
  return (charge) => ({
    ...charge,
    portions: charge.portions.map((portion) => ({ ...portion, usage: mapUsage(portion.usage, inOrder) })),
  });
}
