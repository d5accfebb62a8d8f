import { type ModifierOverrides, type Modifiers, type Price, type RateCard, rateCardSchema, reducedBy } from '../prices/index.ts';
import type { CardVersion } from './timeline.ts';

/**
 * What a customer agreed on for a rate card of a plan, whichever version of the plan it is under: another price, other modifiers, or both. What it does
 * not name follows the plan version. Bitemporal as a `PriceChange`, and as it never changed or deleted. Without a rate card it is `percentOff` alone, off
 * what every card of the plan, or of all plans, comes to.
 */
export interface NegotiatedPrice {
  /** 1, 2, ... of the customer, in the order in which prices and ends were entered. */
  readonly revision: number;
  /** Null: all plans; then it is of no rate card either. */
  readonly plan: string | null;
  /** Null: all of them. */
  readonly rateCard: string | null;
  /** Of the rate card when it was agreed on: what is priced by another meter is another thing. Null for a fee, and for all rate cards. */
  readonly meter: string | null;
  /** Whole minutes, half-open; a null end: for good. */
  readonly validFromMs: number;
  readonly validUntilMs: number | null;
  readonly knownSinceMs: number;
  /** Null: that of the plan version, at any time. */
  readonly price: Price | null;
  /** Each in place of that of the rate card, or (null) in place of none; null: all as in the plan version. */
  readonly modifiers: ModifierOverrides | null;
  readonly note: string | null;
}

/** Ends a negotiated price earlier than was agreed. */
export interface NegotiatedEnd {
  readonly revision: number;
  /** Revision of what it ends. */
  readonly ends: number;
  readonly atMs: number;
  readonly knownSinceMs: number;
}

export type Negotiation = NegotiatedPrice | NegotiatedEnd;

/** The prices among them, each until the earliest end that is known of it; one that ended as it began never holds. */
export function standingPrices(negotiations: readonly Negotiation[]): NegotiatedPrice[] {
  const endMs = new Map<number, number>();
  for (const each of negotiations) {
    if ('ends' in each) endMs.set(each.ends, Math.min(each.atMs, endMs.get(each.ends) ?? Infinity));
  }
  return negotiations.flatMap((each) => {
    if ('ends' in each) return [];
    const untilMs = Math.min(each.validUntilMs ?? Infinity, endMs.get(each.revision) ?? Infinity);
    return [{ ...each, validUntilMs: untilMs === Infinity ? null : untilMs }];
  });
}

/** Those that are about a plan, or about all of them. */
export function reaching(prices: readonly NegotiatedPrice[], plan: string): NegotiatedPrice[] {
  return prices.filter((price) => price.plan === null || price.plan === plan);
}

/**
 * The versions of a card (in order, without gaps) as one customer has them: at every instant the newest of `negotiated` that holds then and goes with the
 * card, else the version as it is. What is of the card itself comes before what is of all cards of a plan, and that before what is of all plans. Versions
 * that differ in nothing the customer pays by are one.
 */
export function negotiatedVersions<Version extends CardVersion>(
  versions: readonly Version[],
  negotiated: readonly NegotiatedPrice[],
): Version[] {
  const key = versions[0]?.card.key;
  const own = negotiated.filter(({ rateCard }) => rateCard === null || rateCard === key).toSorted(byPrecedence);
  if (own.length === 0) return [...versions];
  const cuts = [...new Set(own.flatMap(({ validFromMs, validUntilMs }) => [validFromMs, validUntilMs ?? validFromMs]))];
  const inOrder = cuts.toSorted((a, b) => a - b);
  return versions
    .flatMap((version) => cutAt(version, inOrder))
    .map((version) => agreed(version, own))
    .reduce<Version[]>((joined, next) => {
      const last = joined.at(-1);
      if (last === undefined || !isSameTo(last, next)) return [...joined, next];
      return [...joined.slice(0, -1), { ...last, toMs: next.toMs }];
    }, []);
}

/** The more it says what it is about, and then the newer it is, the earlier. */
function byPrecedence(one: NegotiatedPrice, other: NegotiatedPrice): number {
  const breadth = ({ plan, rateCard }: NegotiatedPrice) => Number(rateCard === null) + Number(plan === null);
  return breadth(one) - breadth(other) || other.revision - one.revision;
}

/** The card at the agreed terms, whether or not they go with it. */
export function overriddenCard(
  card: RateCard,
  { rateCard, price, modifiers }: Pick<NegotiatedPrice, 'rateCard' | 'price' | 'modifiers'>,
): RateCard {
  if (rateCard === null) return reducedBy(card, modifiers?.percentOff ?? '0');
  const merged = overridden(card.modifiers, modifiers);
  const { modifiers: _modifiers, ...rest } = { ...card, price: price ?? card.price };
  return { ...rest, ...(merged && { modifiers: merged }) };
}

/** Undefined where none is left. */
function overridden(modifiers: Modifiers | undefined, overrides: ModifierOverrides | null): Modifiers | undefined {
  const kept = Object.entries({ ...modifiers, ...overrides }).filter(([, value]) => value !== null && value !== undefined);
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

function agreed<Version extends CardVersion>(version: Version, own: readonly NegotiatedPrice[]): Version {
  const atMs = version.fromMs ?? -Infinity;
  for (const each of own) {
    if (each.validFromMs > atMs || (each.validUntilMs !== null && each.validUntilMs <= atMs)) continue;
    const card = overriddenCard(version.card, each);
    if (goesWith(card, each)) return { ...version, card, negotiated: each.revision };
  }
  return version;
}

/** Not if the card has another meter, or modifiers that the price cannot have: plan versions to come know nothing of what was agreed on. */
function goesWith(card: RateCard, { rateCard, meter }: NegotiatedPrice): boolean {
  const isOfIt = rateCard === null || (card.meter ?? null) === meter;
  return isOfIt && rateCardSchema.safeParse(card).success;
}

function cutAt<Version extends CardVersion>(version: Version, cuts: readonly number[]): Version[] {
  const { fromMs, toMs } = version;
  const within = cuts.filter((cut) => cut > (fromMs ?? -Infinity) && cut < (toMs ?? Infinity));
  return [fromMs, ...within].map((start, index) => ({ ...version, fromMs: start, toMs: within[index] ?? toMs }));
}

/** A change of the list price under what was negotiated is none to the customer. */
function isSameTo(before: CardVersion, after: CardVersion): boolean {
  if (before.negotiated !== after.negotiated) return false;
  if (before.negotiated === undefined) return before.revision === after.revision;
  return termsOf(before.card) === termsOf(after.card);
}

const termsOf = ({ price, modifiers }: RateCard) => JSON.stringify([price, modifiers]);
