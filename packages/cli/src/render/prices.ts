import { table } from './table.ts';

/** One of `GET /v1/plans/{key}/versions/{version}/prices`. */
export interface PriceInForce {
  readonly rateCard: string;
  readonly validFrom: string | null;
  readonly validTo: string | null;
  readonly knownSince: string;
  readonly price: { readonly model: string };
  readonly modifiers: Readonly<Record<string, unknown>> | null;
}

/** Prices over time; a price is written as in a plan, without its model in front. */
export function pricesText(prices: readonly PriceInForce[]): string {
  return table(
    [
      { title: 'rate card' },
      { title: 'from' },
      { title: 'up to' },
      { title: 'known since' },
      { title: 'model' },
      { title: 'price' },
    ],
    prices.map(({ rateCard, validFrom, validTo, knownSince, price: { model, ...terms }, modifiers }) => [
      rateCard,
      validFrom ?? '',
      validTo ?? '',
      knownSince,
      model,
      JSON.stringify(terms) + (modifiers === null ? '' : ` ${JSON.stringify(modifiers)}`),
    ]),
  );
}
