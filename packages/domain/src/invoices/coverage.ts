import { decimal, formatDecimal, isNegative, subtract } from '../money/index.ts';
import { describe, type MeteredUsage, type RatedLine } from '../rating/index.ts';

/** Usage that a prepaid pack pays for: it is counted, but not priced. */
export interface CoveredUsage {
  /** Of the pack. */
  readonly name: string;
  /** Exact decimal, in the meter's unit. */
  readonly quantity: string;
}

/** What packs pay for of a line's usage, told in two ways that add up to the same. */
export interface Coverage {
  readonly packs: readonly CoveredUsage[];
  /** For each part of the line. */
  readonly parts: readonly string[];
}

/** The usage that is left to be priced. Packs cover no usage that a price needs told by dimensions or by single events. */
export function uncovered(usage: MeteredUsage | null, covered: string | undefined): MeteredUsage | null {
  if (usage === null || covered === undefined || covered === '0') return usage;
  const left = subtract(decimal(usage.quantity), decimal(covered));
  return { quantity: isNegative(left) ? '0' : formatDecimal(left), events: usage.events };
}

/** How a line says what a pack covered. */
export function coveredStep({ name, quantity }: CoveredUsage): RatedLine {
  const step = { quantity, unitAmount: '0', amount: '0', facts: { type: 'prepaid', name } } as const;
  return { kind: 'included', description: describe(step, 'en'), ...step };
}
