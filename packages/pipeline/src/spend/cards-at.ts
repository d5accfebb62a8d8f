import type { RateCard } from '@meterline/domain/prices';
import { type KnownPrices, type PricePorts, pricesBetween, pricesInstead } from './known-prices.ts';

/** The rate cards of each plan version at the prices that hold at an instant. */
export async function cardsAt(
  ports: PricePorts,
  versions: readonly (KnownPrices & { readonly rateCards: readonly RateCard[] })[],
  atMs: number,
  tenant: string,
): Promise<RateCard[][]> {
  const insteadOf = await pricesInstead(ports, versions, tenant);
  return versions.map((version) =>
    version.rateCards.map((card) => {
      const [inForce] = pricesBetween(card, insteadOf(version), { fromMs: atMs, toMs: atMs + 1 });
      return inForce?.card ?? card;
    }),
  );
}
