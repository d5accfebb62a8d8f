import type { Step } from '../charge.ts';
import { capAtMaximum, raiseToMinimum } from './commitment.ts';
import { spendCredits } from './credits.ts';
import { grantAllowance, grantFreeUnits } from './included.ts';
import { takePercentOff } from './percent-off.ts';
import { applyPrice } from './price.ts';
import { convertUnits } from './unit-conversion.ts';

/** How a charge comes about, in this order: usage first, then the price, then money. A step without its modifier changes nothing. */
export const STEPS: readonly Step[] = [
  convertUnits,
  grantFreeUnits,
  grantAllowance,
  applyPrice,
  takePercentOff,
  capAtMaximum,
  raiseToMinimum,
  spendCredits,
];
