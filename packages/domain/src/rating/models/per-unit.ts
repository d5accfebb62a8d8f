import * as ratio from '../../money/ratio.ts';
import type { PerUnitPrice } from '../../prices/index.ts';
import { exact, exactText, type Line } from '../charge.ts';
import type { Usage } from '../usage.ts';

export function ratePerUnit({ unitAmount }: PerUnitPrice, usage: Usage): Line[] {
  const quantity = ratio.subtract(usage.to, usage.from);
  if (ratio.sign(quantity) === 0) return [];
  const description = `${exactText(quantity)} units at ${unitAmount}`;
  return [{ kind: 'unit', description, quantity, unitAmount, amount: ratio.multiply(quantity, exact(unitAmount)) }];
}
