import * as ratio from '../money/ratio.ts';
import type { Ratio } from '../money/ratio.ts';
import { exactText, type Line } from './line.ts';
import type { TierPlace } from './evaluation.ts';
import type { Facts } from './explain/facts.ts';
import { crossings, firstFees, quantityWithin, type Usage } from './usage.ts';

/** A tier with its place, its numbers read: usage in `(lower, upper]`; `upper` null is open. */
export interface Band {
  readonly place: TierPlace;
  readonly lower: Ratio;
  readonly upper: Ratio | null;
  /** Money for one unit. */
  readonly price: Ratio;
  readonly unitAmount: string | null;
  readonly fee: Ratio;
  readonly unitFacts: () => Facts;
  readonly feeFacts: () => Facts;
}

export interface BandTier {
  readonly upTo: string | null;
  readonly flatAmount?: string | undefined;
}

/** `priceOf` reads what one unit of a tier costs. */
export function bandsOf<Tier extends BandTier>(
  tiers: readonly Tier[],
  priceOf: (tier: Tier) => Pick<Band, 'price' | 'unitAmount' | 'unitFacts'>,
): Band[] {
  const uppers = tiers.map(({ upTo }) => (upTo === null ? null : ratio.read(upTo)));
  return tiers.map((tier, index) => {
    const lower = uppers[index - 1] ?? ratio.ZERO;
    const flatAmount = tier.flatAmount ?? '0';
    return {
      ...priceOf(tier),
      place: { index, from: exactText(lower), upTo: tier.upTo },
      lower,
      upper: uppers[index] ?? null,
      fee: ratio.read(flatAmount),
      feeFacts: () => ({ type: 'tier_fee', flatAmount }),
    };
  });
}

const TIER_UNITS: Facts = { type: 'tier_units' };

export function unitPriceOf({ unitAmount }: { readonly unitAmount: string }): Pick<Band, 'price' | 'unitAmount' | 'unitFacts'> {
  return { price: ratio.read(unitAmount), unitAmount, unitFacts: () => TIER_UNITS };
}

/** Each tier prices the units that fall into it; its flat amount is due when usage enters it. */
export function rateBands(bands: readonly Band[], usage: Usage): Line[] {
  const lines: Line[] = [];
  for (const band of bands) {
    const first = band.place.index === 0;
    if (!first && beforeBand(band, usage)) break;
    const fees = first ? firstFees(usage) : ratio.sign(band.fee) === 0 ? 0n : crossings(usage, band.lower);
    addBandLines(lines, band, quantityWithin(usage, band.lower, band.upper), fees);
  }
  return lines;
}

/** The lines of `quantity` units and of `fees` times the flat amount of one tier; nothing for zero of either. */
export function addBandLines(lines: Line[], band: Band, quantity: Ratio, fees: bigint): void {
  const tier = band.place;
  if (ratio.sign(quantity) !== 0) {
    const amount = ratio.multiply(quantity, band.price);
    lines.push({ kind: 'tier', quantity, unitAmount: band.unitAmount, amount, facts: band.unitFacts, tier });
  }
  if (fees !== 0n && ratio.sign(band.fee) !== 0) {
    const amount = ratio.multiply(band.fee, ratio.whole(fees));
    lines.push({ kind: 'tier', quantity: null, unitAmount: null, amount, facts: band.feeFacts, tier });
  }
}

/** Neither end of the usage reaches the tier, nor then any after it. */
function beforeBand({ lower }: Band, { from, to }: Usage): boolean {
  return ratio.compare(to.quantity, lower) <= 0 && ratio.compare(from.quantity, lower) <= 0;
}
