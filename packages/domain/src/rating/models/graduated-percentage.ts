import * as ratio from '../../money/ratio.ts';
import type { GraduatedPercentagePrice } from '../../prices/index.ts';
import { bandsOf, rateBands } from '../tiers.ts';
import type { RateUsage } from './model.ts';
import { percent } from './percentage.ts';

/** The quantity is money; each part of it pays the percentage of its tier. */
export function graduatedPercentage({ tiers }: GraduatedPercentagePrice): RateUsage {
  const bands = bandsOf(tiers, ({ rate }) => ({
    price: percent(ratio.read(rate)),
    unitAmount: null,
    unitFacts: () => ({ type: 'tier_rate', rate }),
  }));
  return (usage) => rateBands(bands, usage);
}
