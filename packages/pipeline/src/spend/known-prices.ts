import type { PriceChange } from '@meterline/domain/price-versions';
import type { AccountReader, PricedPhase } from '../ports/index.ts';

/** A plan version, and up to which price change its prices are known. */
export interface KnownPrices {
  readonly plan: string;
  readonly planVersion: number;
  readonly priceRevision: number;
  readonly phase?: PricedPhase | null | undefined;
}

/** The changes that each of them knows of and that reach it in its phase; plan versions that never changed a price cost nothing. */
export async function priceChangesOf(
  ports: { readonly accounts: Pick<AccountReader, 'priceChanges'> },
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
  return (version) =>
    (changes.get(keyOf(version)) ?? []).filter(
      ({ revision, rateCard }) => revision <= version.priceRevision && version.phase?.prices.includes(rateCard) !== true,
    );
}
