import * as ratio from '../../money/ratio.ts';
import { amountOf, exact, withAmount, type Charge } from '../charge.ts';

const HUNDRED = exact('100');

export function takePercentOff(charge: Charge): Charge {
  const { percentOff } = charge.modifiers;
  if (percentOff === undefined) return charge;
  const off = ratio.divide(ratio.multiply(amountOf(charge.lines), exact(percentOff)), HUNDRED);
  return withAmount(charge, 'discount', ratio.negate(off), `${percentOff} % off`);
}
