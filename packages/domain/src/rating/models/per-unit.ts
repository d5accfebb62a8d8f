import * as ratio from '../../money/ratio.ts';
import type { PerUnitPrice } from '../../prices/index.ts';
import { counted, exact, type Line } from '../charge.ts';
import type { Usage } from '../usage.ts';

export function ratePerUnit({ unitAmount }: PerUnitPrice, usage: Usage): Line[] {
  const quantity = ratio.subtract(usage.to, usage.from);
  if (ratio.sign(quantity) === 0) return [];
  const description = `${counted(quantity, 'unit')} at ${unitAmount}`;
  return [{ kind: 'unit', description, quantity, unitAmount, amount: ratio.multiply(quantity, exact(unitAmount)) }];
}
