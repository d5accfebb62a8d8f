import {
  type CardVersion,
  cardVersionsBetween,
  type NegotiatedPrice,
  negotiatedVersions,
  type PriceChange,
  reaching,
  standingPrices,
} from '@meterline/domain/price-versions';
import type { RateCard } from '@meterline/domain/prices';
import type { AccountReader, KnownNegotiations, PricedPhase } from '../ports/index.ts';

/** A plan version, up to which price change its prices are known, and up to which revision what a customer negotiated. */
export interface KnownPrices {
  readonly plan: string;
  readonly planVersion: number;
  readonly priceRevision: number;
  readonly negotiated: KnownNegotiations;
  readonly phase?: PricedPhase | null | undefined;
}

/** What holds in place of the prices that a plan version was made with. */
export interface PricesInstead {
  readonly changes: readonly PriceChange[];
  /** With the customer, for the plan. */
  readonly negotiated: readonly NegotiatedPrice[];
  /** Keys of the rate cards that a phase prices by itself: neither reaches them. */
  readonly fixed: readonly string[];
}

/** The prices that a card has in the half-open range, in order: they tile it. */
export function pricesBetween(
  card: RateCard,
  { changes, negotiated, fixed }: PricesInstead,
  range: { readonly fromMs: number; readonly toMs: number },
): (CardVersion & { readonly fromMs: number; readonly toMs: number })[] {
  if (fixed.includes(card.key)) return cardVersionsBetween(card, [], range);
  return negotiatedVersions(cardVersionsBetween(card, changes, range), negotiated);
}

export type PricePorts = { readonly accounts: Pick<AccountReader, 'priceChanges' | 'negotiations'> };

/**
 * What each of them knows of; plan versions that never changed a price, and customers that never negotiated one, cost
 * nothing.
 */
export async function pricesInstead(
  ports: PricePorts,
  versions: readonly KnownPrices[],
  tenant: string,
): Promise<(version: KnownPrices) => PricesInstead> {
  const changesOf = await priceChangesOf(ports, versions, tenant);
  const known = versions.map(({ negotiated }) => negotiated).filter(({ revision }) => revision > 0);
  const negotiations = known.length === 0 ? new Map<string, never>() : await ports.accounts.negotiations(known, tenant);
  return (version) => {
    const { customer, revision } = version.negotiated;
    const entered = (negotiations.get(customer) ?? []).filter((each) => each.revision <= revision);
    return {
      changes: changesOf(version),
      negotiated: reaching(standingPrices(entered), version.plan),
      fixed: version.phase?.prices ?? [],
    };
  };
}

async function priceChangesOf(
  ports: PricePorts,
  versions: readonly KnownPrices[],
  tenant: string,
): Promise<(version: KnownPrices) => readonly PriceChange[]> {
  const keyOf = ({ plan, planVersion }: KnownPrices) => JSON.stringify([plan, planVersion]);
  const changed = Map.groupBy(
    versions.filter(({ priceRevision }) => priceRevision > 0),
    keyOf,
  );
  const changes = new Map<string, readonly PriceChange[]>();
  for (const [key, [first, ...others]] of changed) {
    if (first === undefined) continue;
    const newest = Math.max(first.priceRevision, ...others.map(({ priceRevision }) => priceRevision));
    changes.set(key, await ports.accounts.priceChanges({ plan: first.plan, version: first.planVersion }, newest, tenant));
  }
  return (version) => (changes.get(keyOf(version)) ?? []).filter(({ revision }) => revision <= version.priceRevision);
}
