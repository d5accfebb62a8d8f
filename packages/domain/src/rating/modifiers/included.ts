import { formatDecimal } from '../../money/index.ts';
import * as ratio from '../../money/ratio.ts';
import type { Ratio } from '../../money/ratio.ts';
import type { Modifiers } from '../../prices/index.ts';
import type { Portion, Step } from '../charge.ts';
import type { Facts } from '../explain/facts.ts';
import { exactText, type Line } from '../line.ts';
import type { RateUsage } from '../models/model.ts';
import { quantityWithin, type Usage, usageBeyond, usageUpTo } from '../usage.ts';

type Allowance = NonNullable<Modifiers['allowance']>;

const QUANTITY_PLACES = 12;

/** The earliest units of the period are free; the price counts from there. */
export function grantFreeUnits(freeUnits: string): Step {
  const units = ratio.read(freeUnits);
  return (charge) => {
    const included = charge.portions.flatMap(({ usage }) =>
      includedLine(usage, units, () => ({ type: 'free_units', units: freeUnits })),
    );
    const portions = charge.portions.map((portion) => ({ ...portion, usage: usageBeyond(portion.usage, units) }));
    return { ...charge, portions, lines: [...charge.lines, ...included] };
  };
}

/**
 * The included units, with those that earlier periods left over: the price covers only what lies beyond, or, where overage has its
 * own price (`overage`), only what does not.
 */
export function grantAllowance(allowance: Allowance, overage: RateUsage | null): Step {
  const own = ratio.read(allowance.units);
  return (charge) => {
    const units = ratio.add(own, charge.carriedUnits);
    const isCarried = ratio.sign(charge.carriedUnits) !== 0;
    const carriedUnits = () => (isCarried ? exactText(charge.carriedUnits) : null);
    const facts = (): Facts => ({ type: 'allowance', units: allowance.units, carriedUnits: carriedUnits() });
    const included = () => charge.portions.flatMap(({ usage }) => includedLine(usage, units, facts));
    if (overage) {
      // The price charges the included part itself: there is something to say only where more is included than the card says.
      const carried = isCarried ? included().map((line) => ({ ...line, unitAmount: null })) : [];
      const portions = charge.portions.flatMap((portion): Portion[] => [
        { ...portion, usage: usageUpTo(portion.usage, units) },
        { overage, usage: { ...usageBeyond(portion.usage, units), feesOnUse: true, seatsLater: [] } },
      ]);
      return { ...charge, portions, lines: [...charge.lines, ...carried] };
    }
    const portions = charge.portions.map((portion) => ({ ...portion, usage: usageBeyond(portion.usage, units) }));
    return { ...charge, portions, lines: [...charge.lines, ...included()] };
  };
}

/**
 * What of an allowance is left for the next period: of its own units and those carried into this one, what was not used, at most as
 * much as `carryOver` allows; "0" without it. Units are decimal strings in the unit after conversion, like all quantities of at most 12
 * decimals.
 */
export function unitsCarriedOver(
  allowance: Allowance,
  { used, carriedUnits = '0' }: { used: string; carriedUnits?: string | undefined },
): string {
  if (!allowance.carryOver) return '0';
  const granted = ratio.add(ratio.read(allowance.units), ratio.read(carriedUnits));
  const left = ratio.max(ratio.subtract(granted, ratio.max(ratio.read(used), ratio.ZERO)), ratio.ZERO);
  const { maximumUnits } = allowance.carryOver;
  const carried = maximumUnits === null ? left : ratio.min(left, ratio.read(maximumUnits));
  return formatDecimal(ratio.round(carried, QUANTITY_PLACES));
}

function includedLine(usage: Usage, units: Ratio, facts: () => Facts): Line[] {
  const quantity = quantityWithin(usage, ratio.ZERO, units);
  if (ratio.sign(quantity) === 0) return [];
  return [{ kind: 'included', quantity, unitAmount: '0', amount: ratio.ZERO, facts }];
}
