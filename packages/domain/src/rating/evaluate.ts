import { Fault } from '../faults/index.ts';
import { type ChargeInput, compilePrice } from './compile.ts';
import type { PriceEvaluation, PriceInput } from './evaluation.ts';
import type { Language } from './explain/index.ts';
import { prorationOf } from './proration.ts';
import { evaluationOf } from './summary.ts';

/**
 * What `price` with its modifiers asks for `quantity`: pure, exact, rounded once. Price and modifiers must have passed their schemas.
 * Usage below zero counts as zero. Throws Fault `decimal.malformed` for a quantity or amount that is no decimal, `currency.unknown`,
 * `proration.invalid`, and `usage.*_missing` where the price needs usage told more finely.
 */
export function evaluatePrice(input: PriceInput, language: Language = 'en'): PriceEvaluation {
  return evaluationOf(compilePrice(input).charge(chargeInputOf(input)), language);
}

function chargeInputOf(input: PriceInput): ChargeInput {
  const { quantity, eventsCount, groups, values, seatChanges, ...more } = input;
  const { previousQuantity, previousEventsCount, previousGroups, previousValues } = input;
  const hasPrevious = previousQuantity !== undefined || previousGroups !== undefined || previousValues !== undefined;
  return {
    ...more,
    usage: { quantity, events: countOf(eventsCount), groups, values, seatChanges },
    previousUsage: hasPrevious
      ? {
          quantity: previousQuantity ?? '0',
          events: countOf(previousEventsCount),
          groups: previousGroups,
          values: previousValues,
        }
      : undefined,
    proration: prorationOf(input),
  };
}

function countOf(text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,24}$/.test(text)) return BigInt(text);
  throw new Fault('invalid', 'decimal.malformed', `${JSON.stringify(text.slice(0, 40))} is not a whole number of events`);
}
