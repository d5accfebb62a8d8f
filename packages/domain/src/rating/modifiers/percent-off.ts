import * as ratio from '../../money/ratio.ts';
import type { Step } from '../charge.ts';
import { amountOf, withAmount } from '../line.ts';
import { percent } from '../models/percentage.ts';

export function takePercentOff(percentOff: string): Step {
  const share = percent(ratio.read(percentOff));
  return (charge) => {
    const off = ratio.multiply(amountOf(charge.lines), share);
    const lines = withAmount(charge.lines, 'discount', ratio.negate(off), () => ({ type: 'percent_off', percent: percentOff }));
    return { ...charge, lines };
  };
}
