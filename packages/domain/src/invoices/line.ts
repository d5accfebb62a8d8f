import type { RateCard } from '../prices/index.ts';
import { rateCardCharge } from '../rating/index.ts';
import type { InvoiceLine } from './document.ts';

export interface LineInput {
  readonly currency: string;
  readonly rateCard: RateCard;
  /** Usage of the card's meter in the period; without a meter the quantity is 1. */
  readonly usage: { readonly quantity: string; readonly events: number } | null;
  readonly days: number;
  readonly daysInPeriod: number;
}

/** Rates one card for one billing period: the same input always gives the same line. */
export function invoiceLine({ currency, rateCard, usage, days, daysInPeriod }: LineInput): InvoiceLine {
  const { quantity, events } = usage ?? { quantity: '1', events: 0 };
  const charge = rateCardCharge({ currency, rateCard, quantity, prorationNumerator: days, prorationDenominator: daysInPeriod });
  return {
    key: rateCard.key,
    name: rateCard.name,
    meter: rateCard.meter ?? null,
    quantity,
    events,
    model: rateCard.price.model,
    price: rateCard.price,
    modifiers: rateCard.modifiers ?? null,
    explanation: charge.lines,
    amount: charge.total,
  };
}
