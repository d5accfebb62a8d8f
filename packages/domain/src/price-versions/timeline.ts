import type { RateCard } from '../prices/index.ts';
import type { PriceChange } from './price-change.ts';

/** A rate card with the price it has in the half-open range [fromMs, toMs). */
export interface CardVersion {
  /** Null: since ever, the price the plan version was made with. */
  readonly fromMs: number | null;
  /** Null: open. */
  readonly toMs: number | null;
  readonly card: RateCard;
  /** Of the change that brought this price; 0 for the price the plan version was made with. */
  readonly revision: number;
  /** Revision of the negotiated price that a customer has it at; absent: at the list price. */
  readonly negotiated?: number;
}

/**
 * The prices of a card over all time, in order, as `changes` (of any cards, in order of revision) tell them. A change holds from its
 * `validFrom` on and supersedes whatever was known before to hold at or after that instant.
 */
export function cardVersions(card: RateCard, changes: readonly PriceChange[]): CardVersion[] {
  const held: { fromMs: number | null; card: RateCard; revision: number }[] = [{ fromMs: null, card, revision: 0 }];
  for (const change of changes) {
    if (change.rateCard !== card.key) continue;
    while (startsAtOrAfter(held.at(-1)?.fromMs, change.validFromMs)) held.pop();
    held.push({ fromMs: change.validFromMs, card: repriced(card, change), revision: change.revision });
  }
  return held.map((version, index) => ({ ...version, toMs: held[index + 1]?.fromMs ?? null }));
}

/** The versions that hold somewhere in the half-open range, clipped to it: they tile it, and there is at least one if it is not empty. */
export function cardVersionsBetween(
  card: RateCard,
  changes: readonly PriceChange[],
  range: { readonly fromMs: number; readonly toMs: number },
): (CardVersion & { readonly fromMs: number; readonly toMs: number })[] {
  return cardVersions(card, changes)
    .map((version) => ({
      ...version,
      fromMs: Math.max(version.fromMs ?? range.fromMs, range.fromMs),
      toMs: Math.min(version.toMs ?? range.toMs, range.toMs),
    }))
    .filter(({ fromMs, toMs }) => fromMs < toMs);
}

function startsAtOrAfter(fromMs: number | null | undefined, ms: number): boolean {
  return fromMs !== null && fromMs !== undefined && fromMs >= ms;
}

function repriced({ price: _price, modifiers: _modifiers, ...card }: RateCard, { price, modifiers }: PriceChange): RateCard {
  return { ...card, price, ...(modifiers !== null && { modifiers }) };
}
