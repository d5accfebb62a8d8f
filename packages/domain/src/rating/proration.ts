import { Fault } from '../faults/index.ts';
import type { PriceInput } from './evaluation.ts';
import { type Proration, WHOLE_PERIOD } from './usage.ts';

type Days = Pick<PriceInput, 'prorationNumerator' | 'prorationDenominator' | 'prorationUnit'>;

/** Throws Fault `proration.invalid` unless both are whole numbers with 0 <= numerator <= denominator and denominator > 0, or neither. */
export function prorationOf({
  prorationNumerator: numerator,
  prorationDenominator: denominator,
  prorationUnit: unit,
}: Days): Proration {
  if (numerator === undefined && denominator === undefined) return WHOLE_PERIOD;
  if (!isWhole(numerator) || !isWhole(denominator) || numerator < 0 || denominator < 1 || numerator > denominator) {
    const share = `${String(numerator)} of ${String(denominator)} ${unit ?? 'day'}s`;
    throw new Fault('invalid', 'proration.invalid', `cannot prorate by ${share}`);
  }
  return { numerator: BigInt(numerator), denominator: BigInt(denominator), unit };
}

function isWhole(days: number | undefined): days is number {
  return Number.isSafeInteger(days);
}
