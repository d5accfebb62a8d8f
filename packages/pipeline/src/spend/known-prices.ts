import { type NegotiatedPrice, type PriceChange, standingPrices } from '@meterline/domain/price-versions';
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
}

export type PricePorts = { readonly accounts: Pick<AccountReader, 'priceChanges' | 'negotiations'> };

/**
 * What each of them knows of, and what reaches it in its phase; plan versions that never changed a price, and customers that never negotiated one, cost
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
    const isFixed = ({ rateCard }: { readonly rateCard: string }) => version.phase?.prices.includes(rateCard) === true;
    return {
      changes: changesOf(version).filter((change) => !isFixed(change)),
      negotiated: standingPrices(entered).filter((price) => price.plan === version.plan && !isFixed(price)),
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
