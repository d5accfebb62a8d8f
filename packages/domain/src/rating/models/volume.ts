import * as ratio from '../../money/ratio.ts';
import type { Ratio } from '../../money/ratio.ts';
import type { VolumePrice } from '../../prices/index.ts';
import type { Line } from '../charge.ts';
import { bandsOf, tierLines } from '../tiers.ts';
import type { Usage } from '../usage.ts';

/**
 * The first tier whose `upTo` reaches the total prices all units. Which one that is shows only at the end of the period, so earlier
 * parts charge nothing. A whole period billed again charges the new total less the one billed before.
 */
export function rateVolume(price: VolumePrice, usage: Usage): Line[] {
  if (!usage.endsPeriod) return [];
  const total = linesAt(price, usage, usage.to);
  if (!usage.beginsPeriod || !usage.billedBefore) return total;
  return [...total, ...linesAt(price, usage, usage.from).map(takenBack)];
}

function linesAt({ tiers }: VolumePrice, usage: Usage, quantity: Ratio): Line[] {
  if (usage.feesOnUse && ratio.sign(quantity) === 0) return [];
  const reached = bandsOf(tiers).find(({ upper }) => upper === null || ratio.compare(quantity, upper) <= 0);
  return reached ? tierLines(reached, quantity, 1n) : [];
}

function takenBack(line: Line): Line {
  const quantity = line.quantity && ratio.negate(line.quantity);
  return { ...line, description: `Billed before: ${line.description}`, quantity, amount: ratio.negate(line.amount) };
}
