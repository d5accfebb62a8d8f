import type { GraduatedPrice } from '../../prices/index.ts';
import { bandsOf, rateBands, unitPriceOf } from '../tiers.ts';
import type { RateUsage } from './model.ts';

export function graduated({ tiers }: GraduatedPrice): RateUsage {
  const bands = bandsOf(tiers, unitPriceOf);
  return (usage) => rateBands(bands, usage);
}
