import * as ratio from '../../money/ratio.ts';
import type { Ratio } from '../../money/ratio.ts';
import type { PackagePrice } from '../../prices/index.ts';
import type { Facts } from '../explain/facts.ts';
import type { RateUsage } from './model.ts';

/** Blocks are counted over the whole period so far, so a block begun in an earlier part is not paid twice. */
export function packages({ packageSize, packageAmount, freeUnits, blocks = 'up' }: PackagePrice): RateUsage {
  const [size, price, free] = [ratio.read(packageSize), ratio.read(packageAmount), ratio.read(freeUnits ?? '0')];
  const facts: Facts = { type: 'packages', packageSize, freeUnits: freeUnits ?? null };
  const blocksIn = (units: Ratio) => {
    const beyond = ratio.max(ratio.subtract(units, free), ratio.ZERO);
    const exactly = ratio.divide(beyond, size);
    return blocks === 'prorated' ? exactly : ratio.of(ratio.round(exactly, 0, blocks));
  };
  return ({ from, to }) => {
    const quantity = ratio.subtract(blocksIn(to.quantity), blocksIn(from.quantity));
    if (ratio.sign(quantity) === 0) return [];
    const amount = ratio.multiply(quantity, price);
    return [{ kind: 'package', quantity, unitAmount: packageAmount, amount, facts: () => facts }];
  };
}
