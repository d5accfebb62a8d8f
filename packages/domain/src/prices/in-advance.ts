import type { Price } from './price.ts';
import type { RateCard } from './rate-card.ts';

/** Whether the fee of a price is due when its period begins; what is used cannot be. */
export function isDueInAdvance(price: Price): boolean {
  if (price.model === 'flat') return price.paymentTerm === 'advance';
  return price.model === 'per_seat' && price.paymentTerm !== 'arrears';
}

/** The cards whose fees are billed before their period, as the plan version was made: a change of prices moves no fee to another invoice. */
export function cardsInAdvance(rateCards: readonly RateCard[]): RateCard[] {
  return rateCards.filter(({ price }) => isDueInAdvance(price));
}
