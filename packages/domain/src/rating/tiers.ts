import * as ratio from '../money/ratio.ts';
import type { Ratio } from '../money/ratio.ts';
import type { Tier } from '../prices/index.ts';
import { counted, exact, exactText, type Line } from './charge.ts';

/** A tier with its place: usage in `(lower, upper]`; `upper` null is open. */
export interface Band {
  readonly index: number;
  readonly tier: Tier;
  readonly lower: Ratio;
  readonly upper: Ratio | null;
}

export function bandsOf(tiers: readonly Tier[]): Band[] {
  const uppers = tiers.map(({ upTo }) => (upTo === null ? null : exact(upTo)));
  return tiers.map((tier, index) => ({ index, tier, lower: uppers[index - 1] ?? ratio.ZERO, upper: uppers[index] ?? null }));
}

/** The lines of `quantity` units and of `fees` times the flat amount of one tier; nothing for zero of either. */
export function tierLines({ index, tier, lower }: Band, quantity: Ratio, fees: bigint): Line[] {
  const place = { index, from: exactText(lower), upTo: tier.upTo };
  const name = tier.upTo === null ? `tier ${index + 1}, above ${place.from}` : `tier ${index + 1}, ${place.from} to ${tier.upTo}`;
  const lines: Line[] = [];
  if (ratio.sign(quantity) !== 0) {
    const description = `${counted(quantity, 'unit')} at ${tier.unitAmount} (${name})`;
    const amount = ratio.multiply(quantity, exact(tier.unitAmount));
    lines.push({ kind: 'tier', description, quantity, unitAmount: tier.unitAmount, amount, tier: place });
  }
  const fee = ratio.multiply(exact(tier.flatAmount ?? '0'), { numerator: fees, denominator: 1n });
  if (ratio.sign(fee) !== 0) {
    const description = `Flat amount of ${tier.flatAmount ?? '0'} (${name})`;
    lines.push({ kind: 'tier', description, quantity: null, unitAmount: null, amount: fee, tier: place });
  }
  return lines;
}
