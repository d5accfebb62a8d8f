import * as ratio from '../../money/ratio.ts';
import type { Ratio } from '../../money/ratio.ts';
import type { VolumePrice } from '../../prices/index.ts';
import type { Line } from '../line.ts';
import { addBandLines, type Band, bandsOf, unitPriceOf } from '../tiers.ts';
import { quantityOf, type Usage } from '../usage.ts';
import type { RateUsage } from './model.ts';

/**
 * The first tier whose `upTo` reaches the total prices all units. Which one that is shows only at the end of the period, so earlier
 * parts charge nothing. A whole period billed again charges the new total less the one billed before. Where each part has a price of
 * its own, the total of the period finds the tier in each, which prices the units of that part.
 */
export function volume({ tiers }: VolumePrice): RateUsage {
  const bands = bandsOf(tiers, unitPriceOf);
  return (usage) => {
    const { part, from, to, end } = usage;
    if (part.sharesFees) return linesAt(bands, usage, end.quantity, quantityOf(usage), part.ends ? 1n : 0n);
    if (!part.settlesVolume) return [];
    const total = linesAt(bands, usage, to.quantity, to.quantity, 1n);
    if (!part.begins || !usage.billedBefore) return total;
    return [...total, ...linesAt(bands, usage, from.quantity, from.quantity, 1n).map(takenBack)];
  };
}

function linesAt(bands: readonly Band[], { feesOnUse }: Usage, total: Ratio, quantity: Ratio, fees: bigint): Line[] {
  if (feesOnUse && ratio.sign(total) === 0) return [];
  const lines: Line[] = [];
  const reached = bands.find(({ upper }) => upper === null || ratio.compare(total, upper) <= 0);
  if (reached) addBandLines(lines, reached, quantity, fees);
  return lines;
}

function takenBack(line: Line): Line {
  const quantity = line.quantity && ratio.negate(line.quantity);
  return { ...line, quantity, amount: ratio.negate(line.amount), context: { takenBack: true } };
}
