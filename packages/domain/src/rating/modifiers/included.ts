import * as ratio from '../../money/ratio.ts';
import type { Ratio } from '../../money/ratio.ts';
import { counted, exact, type Charge, type Line, type Portion } from '../charge.ts';
import { quantityWithin, usageBeyond, usageUpTo, type Usage } from '../usage.ts';

/** The earliest units of the period are free; the price counts from there. */
export function grantFreeUnits(charge: Charge): Charge {
  const { freeUnits } = charge.modifiers;
  return freeUnits === undefined ? charge : without(charge, exact(freeUnits), `${freeUnits} free units`);
}

/** The included units: the price covers only what lies beyond, or, where overage has its own price, only what does not. */
export function grantAllowance(charge: Charge): Charge {
  const { allowance } = charge.modifiers;
  if (!allowance) return charge;
  const { units, overagePrice } = allowance;
  if (!overagePrice) return without(charge, exact(units), `an allowance of ${units}`);
  const portions = charge.portions.flatMap((portion): Portion[] => [
    { ...portion, usage: usageUpTo(portion.usage, exact(units)) },
    { kind: 'overage', price: overagePrice, usage: { ...usageBeyond(portion.usage, exact(units)), feesOnUse: true } },
  ]);
  return { ...charge, portions };
}

function without(charge: Charge, units: Ratio, name: string): Charge {
  const included = charge.portions.flatMap(({ usage }) => includedLine(usage, units, name));
  const portions = charge.portions.map((portion) => ({ ...portion, usage: usageBeyond(portion.usage, units) }));
  return { ...charge, portions, lines: [...charge.lines, ...included] };
}

function includedLine(usage: Usage, units: Ratio, name: string): Line[] {
  const quantity = quantityWithin(usage, ratio.ZERO, units);
  if (ratio.sign(quantity) === 0) return [];
  const description = `${counted(quantity, 'unit')} included in ${name}`;
  return [{ kind: 'included', description, quantity, unitAmount: '0', amount: ratio.ZERO }];
}
