import { decimal, formatDecimal, type Decimal } from '../money/index.ts';
import * as ratio from '../money/ratio.ts';
import type { Ratio } from '../money/ratio.ts';
import type { Modifiers, Price } from '../prices/index.ts';
import type { LineKind, RatedLine } from './evaluation.ts';
import type { Usage } from './usage.ts';

// For fractions that never end, such as 17 of 31 days: more digits than unit prices have, and a stable number of them.
const ENDLESS_FRACTION_PLACES = 18;

/** A rated line before its numbers are written out as text. */
export interface Line {
  readonly kind: LineKind;
  readonly description: string;
  readonly quantity: Ratio | null;
  readonly unitAmount: string | null;
  readonly amount: Ratio;
  readonly tier?: NonNullable<RatedLine['tier']>;
}

/** Usage that is still to be priced, and by what. */
export interface Portion {
  readonly kind: 'regular' | 'overage';
  readonly price: Price;
  readonly usage: Usage;
}

/** A charge in the making: each step prices, splits or changes what the steps before it left. */
export interface Charge {
  readonly modifiers: Modifiers;
  /** Money billed already in this billing period. */
  readonly previousAmount: Ratio;
  /** Nothing more will be charged for this billing period. */
  readonly endsPeriod: boolean;
  readonly portions: readonly Portion[];
  readonly lines: readonly Line[];
}

export type Step = (charge: Charge) => Charge;

export function exact(text: string): Ratio {
  return ratio.of(decimal(text));
}

/** The same value, or an endless fraction to 18 digits. */
export function exactPlaces(value: Ratio): Decimal {
  return ratio.toDecimal(value, ENDLESS_FRACTION_PLACES);
}

export function exactText(value: Ratio): string {
  return formatDecimal(exactPlaces(value));
}

/** `1 unit`, `2.5 units`. */
export function counted(quantity: Ratio, noun: string): string {
  const text = exactText(quantity);
  return text === '1' ? `1 ${noun}` : `${text} ${noun}s`;
}

export function amountOf(lines: readonly Line[]): Ratio {
  return ratio.sum(lines.map((line) => line.amount));
}

/** Puts one more line under the charge; one that changes nothing is left out. */
export function withAmount(charge: Charge, kind: LineKind, amount: Ratio, description: string): Charge {
  if (ratio.sign(amount) === 0) return charge;
  return { ...charge, lines: [...charge.lines, { kind, description, quantity: null, unitAmount: null, amount }] };
}
