import { table } from './table.ts';

/** One of `GET /v1/customers/{key}/negotiated-prices`. */
export interface NegotiatedPrice {
  readonly revision: number;
  /** Null: all. */
  readonly plan: string | null;
  readonly rateCard: string | null;
  readonly percentOff: string | null;
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
    prices.map(({ revision, plan, rateCard, validFrom, validUntil, end, knownSince, price, modifiers, percentOff, note }) => [
      ...[String(revision), plan ?? 'all', rateCard ?? 'all', validFrom, end?.at ?? validUntil ?? '', knownSince],
      [
        ...(percentOff === null ? [] : [`${percentOff} % off`]),
        ...[price, modifiers].flatMap((terms) => (terms === null ? [] : JSON.stringify(terms))),
      ].join(' '),
      note ?? '',
    ]),
  );
}

/** What a negotiated price is about. */
export function aboutText({ plan, rateCard }: Pick<NegotiatedPrice, 'plan' | 'rateCard'>): string {
  return `${rateCard ?? 'all rate cards'} in ${plan ?? 'all plans'}`;
}
