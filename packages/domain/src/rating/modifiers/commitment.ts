import * as ratio from '../../money/ratio.ts';
import type { Ratio } from '../../money/ratio.ts';
import { amountOf, exact, withAmount, type Charge } from '../charge.ts';

/** Takes off what would lift the period's bill above the maximum, but never more than this charge. */
export function capAtMaximum(charge: Charge): Charge {
  const { maximumSpend } = charge.modifiers;
  if (maximumSpend === undefined) return charge;
  const excess = ratio.min(ratio.subtract(spentSoFar(charge), exact(maximumSpend)), amountOf(charge.lines));
  return withAmount(charge, 'maximum', ratio.negate(ratio.max(excess, ratio.ZERO)), `Capped at the maximum of ${maximumSpend}`);
}

/** Tops the period's bill up to the minimum, once the period ends. */
export function raiseToMinimum(charge: Charge): Charge {
  const { minimumSpend } = charge.modifiers;
  if (minimumSpend === undefined || !charge.endsPeriod) return charge;
  const missing = ratio.max(ratio.subtract(exact(minimumSpend), spentSoFar(charge)), ratio.ZERO);
  return withAmount(charge, 'minimum', missing, `Raised to the minimum of ${minimumSpend}`);
}

function spentSoFar(charge: Charge): Ratio {
  return ratio.add(charge.previousAmount, amountOf(charge.lines));
}
