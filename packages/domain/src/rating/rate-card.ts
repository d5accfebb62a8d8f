import { Fault } from '../faults/index.ts';
import type { RateCard } from '../prices/index.ts';
import { evaluateShare } from './evaluate.ts';
import type { PriceEvaluation } from './evaluation.ts';
import { WHOLE_PERIOD, type Proration } from './usage.ts';

export interface RateCardInput {
  readonly currency: string;
  readonly rateCard: RateCard;
  /** Usage of the card's meter in the billing period, a decimal string; ignored by a card without a meter. */
  readonly quantity: string;
  /** Days charged, of the days in the billing period: both or neither. Only flat fees are prorated, never usage. */
  readonly prorationNumerator?: number | undefined;
  readonly prorationDenominator?: number | undefined;
}

/**
 * The charge of one rate card for one whole billing period. Throws Fault `proration.invalid` unless both are whole numbers with
 * 0 <= numerator <= denominator and denominator > 0; otherwise as `evaluatePrice`.
 */
export function rateCardCharge(input: RateCardInput): PriceEvaluation {
  const { currency, rateCard } = input;
  const quantity = rateCard.meter === undefined ? '0' : input.quantity;
  return evaluateShare({ currency, price: rateCard.price, modifiers: rateCard.modifiers, quantity }, prorationOf(input));
}

function prorationOf({ prorationNumerator: numerator, prorationDenominator: denominator }: RateCardInput): Proration {
  if (numerator === undefined && denominator === undefined) return WHOLE_PERIOD;
  const whole = Number.isSafeInteger(numerator) && Number.isSafeInteger(denominator);
  if (
    !whole ||
    numerator === undefined ||
    denominator === undefined ||
    numerator < 0 ||
    denominator < 1 ||
    numerator > denominator
  ) {
    throw new Fault('invalid', 'proration.invalid', `cannot prorate by ${String(numerator)} of ${String(denominator)} days`);
  }
  return { numerator: BigInt(numerator), denominator: BigInt(denominator) };
}
