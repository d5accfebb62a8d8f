import * as ratio from '../../money/ratio.ts';
import type { Ratio } from '../../money/ratio.ts';
import type { PackagePrice } from '../../prices/index.ts';
import { counted, exact, type Line } from '../charge.ts';
import { usageBeyond, type Usage } from '../usage.ts';

/** Blocks are counted over the whole period so far, so a block begun in an earlier part is not paid twice. */
export function ratePackage(price: PackagePrice, usage: Usage): Line[] {
  const beyond = usageBeyond(usage, exact(price.freeUnits ?? '0'));
  const quantity = ratio.subtract(blocksIn(price, beyond.to), blocksIn(price, beyond.from));
  if (ratio.sign(quantity) === 0) return [];
  const free = price.freeUnits === undefined ? '' : ` beyond ${price.freeUnits} free ones`;
  const description = `${counted(quantity, 'package')} of ${price.packageSize} units at ${price.packageAmount}${free}`;
  const amount = ratio.multiply(quantity, exact(price.packageAmount));
  return [{ kind: 'package', description, quantity, unitAmount: price.packageAmount, amount }];
}

function blocksIn({ packageSize, blocks = 'up' }: PackagePrice, units: Ratio): Ratio {
  const exactBlocks = ratio.divide(units, exact(packageSize));
  return blocks === 'prorated' ? exactBlocks : ratio.of(ratio.round(exactBlocks, 0, blocks));
}
