import { formatDecimal, type Decimal } from '../money/index.ts';
import * as ratio from '../money/ratio.ts';
import type { Ratio } from '../money/ratio.ts';
import type { LineKind, TierPlace } from './evaluation.ts';
import type { Facts, LineContext } from './explain/facts.ts';

// For fractions that never end, such as 17 of 31 days: more digits than unit prices have, and a stable number of them.
const ENDLESS_FRACTION_PLACES = 18;

/** A rated line before its numbers are written out as text. */
export interface Line {
  readonly kind: LineKind;
  readonly quantity: Ratio | null;
  readonly unitAmount: string | null;
  readonly amount: Ratio;
  /** Written only when somebody asks how the charge came about. */
  readonly facts: () => Facts;
  readonly tier?: TierPlace;
  readonly context?: LineContext;
}

/** The same value, or an endless fraction to 18 digits. */
export function exactPlaces(value: Ratio): Decimal {
  return ratio.toDecimal(value, ENDLESS_FRACTION_PLACES);
}

export function exactText(value: Ratio): string {
  return formatDecimal(exactPlaces(value));
}

export function amountOf(lines: readonly Line[]): Ratio {
  let sum = ratio.ZERO;
  for (const line of lines) sum = ratio.add(sum, line.amount);
  return sum;
}

/** Lines with one more of money alone; one that changes nothing is left out. */
export function withAmount(lines: readonly Line[], kind: LineKind, amount: Ratio, facts: () => Facts): readonly Line[] {
  return ratio.sign(amount) === 0 ? lines : [...lines, { kind, quantity: null, unitAmount: null, amount, facts }];
}

/** The same lines, marked as belonging there. */
export function inContext(lines: readonly Line[], context: LineContext): Line[] {
  return lines.map((line) => ({ ...line, context: { ...context, ...line.context } }));
}
