import { table } from './table.ts';

/** One of `GET /v1/customers/{key}/negotiated-prices`. */
export interface NegotiatedPrice {
  readonly revision: number;
  readonly plan: string;
  readonly rateCard: string;
  readonly validFrom: string;
  readonly validUntil: string | null;
  readonly end: { readonly at: string } | null;
  readonly knownSince: string;
  readonly price: object | null;
  readonly modifiers: object | null;
  readonly note: string | null;
}

export function negotiatedPricesText(prices: readonly NegotiatedPrice[]): string {
  return table(
    [
      { title: 'revision', align: 'right' },
      ...['plan', 'rate card', 'from', 'up to', 'known since', 'terms', 'note'].map((title) => ({ title })),
    ],
    prices.map(({ revision, plan, rateCard, validFrom, validUntil, end, knownSince, price, modifiers, note }) => [
      ...[String(revision), plan, rateCard, validFrom, end?.at ?? validUntil ?? '', knownSince],
      [price, modifiers].flatMap((terms) => (terms === null ? [] : JSON.stringify(terms))).join(' '),
      note ?? '',
    ]),
  );
}
