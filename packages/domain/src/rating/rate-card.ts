import type { RateCard } from '../prices/index.ts';
import { type Charged, compilePrice, type CompiledPrice } from './compile.ts';
import type { PriceEvaluation, PriceInput } from './evaluation.ts';
import type { Language } from './explain/index.ts';
import type { MeteredUsage } from './metered-usage.ts';
import { prorationOf } from './proration.ts';
import { evaluationOf } from './summary.ts';

type PeriodFields = Pick<
  PriceInput,
  'prorationNumerator' | 'prorationDenominator' | 'prorationUnit' | 'carriedUnits' | 'firstPeriod' | 'sharesLimits'
>;

export interface RateCardInput extends PeriodFields {
  readonly currency: string;
  readonly rateCard: RateCard;
  /** Usage of the card's meter in the billing period, as finely as `usageNeeds` asks; ignored by a card without a meter. */
  readonly usage: MeteredUsage | null;
}

const NO_USAGE: MeteredUsage = { quantity: '0', events: 0 };

/** The charge of one rate card for one whole billing period. Throws as `evaluatePrice`. */
export function rateCardCharge(input: RateCardInput, language: Language = 'en'): PriceEvaluation {
  return evaluationOf(chargeRateCard(input), language);
}

/** As `rateCardCharge`, before it is rounded and written. */
export function chargeRateCard(input: RateCardInput): Charged {
  const { rateCard, usage } = input;
  return compiledCard(rateCard, input.currency).charge({
    ...input,
    usage: (rateCard.meter === undefined ? null : usage) ?? NO_USAGE,
    proration: prorationOf(input),
  });
}

const compiled = new WeakMap<RateCard, Map<string, CompiledPrice>>();

/** A card that rates many customers is read once. */
function compiledCard(rateCard: RateCard, currency: string): CompiledPrice {
  const known = compiled.get(rateCard) ?? new Map<string, CompiledPrice>();
  compiled.set(rateCard, known);
  const price = known.get(currency) ?? compilePrice({ currency, price: rateCard.price, modifiers: rateCard.modifiers });
  known.set(currency, price);
  return price;
}
