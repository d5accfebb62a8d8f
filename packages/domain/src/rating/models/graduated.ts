import type { GraduatedPrice } from '../../prices/index.ts';
import type { Line } from '../charge.ts';
import { bandsOf, tierLines } from '../tiers.ts';
import { crossings, firstFees, quantityWithin, type Usage } from '../usage.ts';

/** Each tier prices the units that fall into it; its flat amount is due when usage enters it. */
export function rateGraduated({ tiers }: GraduatedPrice, usage: Usage): Line[] {
  return bandsOf(tiers).flatMap((band) => {
    const fees = band.index === 0 ? firstFees(usage) : crossings(usage, band.lower);
    return tierLines(band, quantityWithin(usage, band.lower, band.upper), fees);
  });
}
