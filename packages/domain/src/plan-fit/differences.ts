import { compare, decimal } from '../money/index.ts';
import { allowanceOf } from './allowances.ts';
import type { Modifiers, Price, RateCard } from '../prices/index.ts';

/** A rate card that a change of plan adds, removes or prices otherwise. */
export interface PriceDifference {
  readonly key: string;
  readonly name: string;
  readonly meter: string | null;
  readonly change: 'added' | 'removed' | 'changed';
  readonly before: PricedSo | null;
  readonly after: PricedSo | null;
}

export interface PricedSo {
  readonly price: Price;
  readonly modifiers: Modifiers | null;
}

/** What is included in a billing period, before and after; null: nothing is. Exact decimals, in the unit after conversion. */
export interface AllowanceDifference {
  readonly key: string;
  readonly name: string;
  readonly meter: string;
  readonly before: string | null;
  readonly after: string | null;
  /** In the billing period of now, so far. */
  readonly used: string;
  /** Whether more is used already than will be included. */
  readonly exceeds: boolean;
  /** The same in words, where it is less than before. */
  readonly message: string | null;
}

export interface TermsDifference {
  readonly prices: readonly PriceDifference[];
  readonly allowances: readonly AllowanceDifference[];
  /** Meters that are priced now and by nothing afterwards: what is used of them is counted, and not charged. */
  readonly unpricedMeters: readonly string[];
}

/** What changes from the rate cards of one plan version to those of another, a card by its key. `used`: of what a card counts, in its units. */
export function termsDifference(
  before: readonly RateCard[],
  after: readonly RateCard[],
  used: (card: RateCard) => string,
): TermsDifference {
  const pairs = [...new Set([...before, ...after].map(({ key }) => key))].flatMap((key) => {
    const [was, is] = [before.find((card) => card.key === key), after.find((card) => card.key === key)];
    const card = is ?? was;
    return card === undefined ? [] : [{ was, is, card }];
  });
  const priced = new Set(after.flatMap(({ meter }) => meter ?? []));
  return {
    prices: pairs.flatMap(({ was, is, card }) => {
      const [from, to] = [pricedSo(was), pricedSo(is)];
      if (JSON.stringify(from) === JSON.stringify(to)) return [];
      const change = from === null ? 'added' : to === null ? 'removed' : 'changed';
      return { key: card.key, name: card.name, meter: card.meter ?? null, change, before: from, after: to } as const;
    }),
    allowances: allowanceDifferences(before, after, used),
    unpricedMeters: [...new Set(before.flatMap(({ meter }) => meter ?? []))].filter((meter) => !priced.has(meter)),
  };
}

function pricedSo(card: RateCard | undefined): PricedSo | null {
  return card === undefined ? null : { price: card.price, modifiers: card.modifiers ?? null };
}

/** Plans name their cards differently, so allowances are compared by what they count: the meter, and which of its usage. */
function allowanceDifferences(
  before: readonly RateCard[],
  after: readonly RateCard[],
  used: (card: RateCard) => string,
): AllowanceDifference[] {
  const counted = (card: RateCard) => JSON.stringify([card.meter, card.filter ?? null]);
  const included = (cards: readonly RateCard[], of: string) =>
    cards.find((card) => includedIn(card) !== undefined && counted(card) === of);
  const all = [...before, ...after].filter((card) => includedIn(card) !== undefined);
  return [...new Set(all.map(counted))].flatMap((of) => {
    const [was, is] = [included(before, of), included(after, of)];
    const card = is ?? was;
    if (card?.meter === undefined) return [];
    const [from, to] = [was && includedIn(was), is && includedIn(is)];
    if (from === to) return [];
    const use = used(card);
    const isLess = from !== undefined && compare(decimal(to ?? '0'), decimal(from)) < 0;
    const exceeds = compare(decimal(use), decimal(to ?? '0')) > 0;
    const { key, name, meter } = card;
    const message = isLess ? `${name}: you use ${use} of ${to ?? '0'} (${from} before)` : null;
    return [{ key, name, meter, before: from ?? null, after: to ?? null, used: use, exceeds, message }];
  });
}

/** Units of a period that cost nothing more: an allowance, free units, or both. */
function includedIn(card: RateCard): string | undefined {
  return allowanceOf(card)?.included ?? (card.meter === undefined ? undefined : card.modifiers?.freeUnits);
}
