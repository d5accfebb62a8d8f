import * as ratio from '../../money/ratio.ts';
import type { Modifiers, Price } from '../../prices/index.ts';
import type { Charge, Step } from '../charge.ts';
import type { Measure } from '../measure.ts';
import { pricingOf } from '../models/index.ts';
import type { Rounding } from '../rounding.ts';
import { mapUsage, type Usage } from '../usage.ts';
import { capAtMaximum, raiseToMinimum } from './commitment.ts';
import { spendCredits } from './credits.ts';
import { roundEvents } from './event-rounding.ts';
import { grantAllowance, grantFreeUnits } from './included.ts';
import type { MoneyStep } from './money-step.ts';
import { takePercentOff } from './percent-off.ts';
import { applyPrice } from './price.ts';
import { convertUnits } from './unit-conversion.ts';

export { capAtMaximum, raiseToMinimum };
export {
  type Bill,
  type Limit,
  type MoneyStep,
  type MoneyTerms,
  moneyTermsOf,
  shareOfLimit,
  shareOfLimits,
} from './money-step.ts';
export { unitsCarriedOver } from './included.ts';

/** How usage becomes money, in this order; a modifier that is not there takes no step. LIMITS and CREDITS follow. */
export function usageSteps(modifiers: Modifiers, rounding: Rounding, price: Price): readonly Step[] {
  const { allowance, percentOff } = modifiers;
  const pricing = pricingOf(price);
  const overage = allowance?.overagePrice ? pricingOf(allowance.overagePrice) : null;
  return [
    ...stepsToAllowance(modifiers, pricing.inOrder ?? overage?.inOrder),
    allowance && grantAllowance(allowance, overage?.rate ?? null),
    applyPrice(pricing.rate),
    rounding.scope === 'event' && roundEvents(pricing, rounding),
    percentOff !== undefined && takePercentOff(percentOff),
  ].filter(isStep);
}

/** Usage as the allowance counts it. */
export function usageForAllowance(modifiers: Modifiers, price: Price, usage: Usage): Usage {
  const { overagePrice } = modifiers.allowance ?? {};
  const inOrder = pricingOf(price).inOrder ?? (overagePrice && pricingOf(overagePrice).inOrder);
  const charge: Charge = { portions: [{ overage: null, usage }], lines: [], carriedUnits: ratio.ZERO };
  const metered = stepsToAllowance(modifiers, inOrder).reduce((so, step) => step(so), charge);
  return metered.portions[0]?.usage ?? usage;
}

function stepsToAllowance({ unitConversion, freeUnits }: Modifiers, inOrder: GroupOrder | undefined): Step[] {
  return [
    unitConversion && convertUnits(unitConversion, inOrder !== undefined),
    inOrder && arrangeGroups(inOrder),
    freeUnits !== undefined && grantFreeUnits(freeUnits),
  ].filter(isStep);
}

function isStep(step: Step | false | undefined): step is Step {
  return typeof step === 'function';
}

/** What holds a period's bill between its maximum and its minimum. */
export const LIMITS: readonly MoneyStep[] = [capAtMaximum, raiseToMinimum];

/** What pays for it, last of all. */
export const CREDITS: readonly MoneyStep[] = [spendCredits];

type GroupOrder = (measure: Measure) => Measure;

function arrangeGroups(inOrder: GroupOrder): Step {
  return (charge) => ({
    ...charge,
    portions: charge.portions.map((portion) => ({ ...portion, usage: mapUsage(portion.usage, inOrder) })),
  });
}
