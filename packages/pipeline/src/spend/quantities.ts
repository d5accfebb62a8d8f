import type { QuantitiesFrom, SubscriptionTerms } from '../ports/index.ts';

/** How many of the fee of a rate card were subscribed at an instant; undefined where it was never said. */
export function quantitySaid(quantities: readonly QuantitiesFrom[], card: string, atMs: number): string | undefined {
  return quantities.findLast(({ fromMs }) => fromMs <= atMs)?.of[card];
}

/** The same; where it was never said, as many as the price says. */
export function quantityAt(
  { quantities, rateCards }: Pick<SubscriptionTerms, 'quantities' | 'rateCards'>,
  card: string,
  atMs: number,
): string {
  const price = rateCards.find(({ key }) => key === card)?.price;
  return quantitySaid(quantities, card, atMs) ?? (price?.model === 'flat' ? price.quantity : undefined) ?? '1';
}
