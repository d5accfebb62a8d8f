import * as ratio from '../../money/ratio.ts';
import { amountOf, withAmount } from '../line.ts';
import type { Limit, MoneyStep } from './money-step.ts';

/** Takes off what would lift the period's bill above the maximum, but never more than this charge. */
export const capAtMaximum: MoneyStep = (lines, { maximum }, { previousAmount }) => {
  if (maximum === null) return lines;
  const charge = amountOf(lines);
  const excess = ratio.min(ratio.subtract(ratio.add(previousAmount, charge), maximum.amount), charge);
  const facts = () => ({ type: 'maximum' as const, limit: maximum.text, ...daysOf(maximum) });
  return withAmount(lines, 'maximum', ratio.negate(ratio.max(excess, ratio.ZERO)), facts);
};

/** Tops the period's bill up to the minimum, once the period ends. */
export const raiseToMinimum: MoneyStep = (lines, { minimum }, { previousAmount, ends }) => {
  if (minimum === null || !ends) return lines;
  const missing = ratio.max(ratio.subtract(minimum.amount, ratio.add(previousAmount, amountOf(lines))), ratio.ZERO);
  return withAmount(lines, 'minimum', missing, () => ({ type: 'minimum', limit: minimum.text, ...daysOf(minimum) }));
};

/** Nothing where the limit holds for the whole period. */
function daysOf({ share }: Limit): { days?: string; daysInPeriod?: string; unit?: 'second' } {
  if (share === undefined || share.numerator === share.denominator) return {};
  const { numerator, denominator, unit } = share;
  return { days: String(numerator), daysInPeriod: String(denominator), ...(unit && { unit }) };
}
