import { z } from 'zod';
import type { FaultDetail } from '../faults/index.ts';
import {
  add,
  compare,
  currencyExponent,
  decimal,
  type Decimal,
  formatMoney,
  multiply,
  roundDecimal,
  subtract,
  ZERO,
} from '../money/index.ts';
import { positiveField, strictFields } from '../prices/fields.ts';
import type { InterimTerms, InvoiceDocument } from './document.ts';
import { charged } from './interim.ts';

const STEPS_MAX = 20;

/**
 * Amounts at which the usage so far of a billing period is invoiced before its end: `steps`, each above the one before, and from the last of them (or
 * from nothing) on every `thenEvery`.
 */
export const invoiceThresholdsSchema = strictFields('invoiceThresholds', {
  steps: z
    .array(positiveField('a step'), { error: 'steps must be a list of amounts such as ["100.00", "500.00"]' })
    .min(1, 'steps must hold an amount')
    .max(STEPS_MAX, `steps must be at most ${STEPS_MAX} amounts`)
    .optional(),
  thenEvery: positiveField('thenEvery').optional(),
}).check((context) => {
  const { steps = [], thenEvery } = context.value;
  const fault = (path: (string | number)[], message: string) =>
    context.issues.push({ code: 'custom', path, message, input: context.value });
  if (steps.length === 0 && thenEvery === undefined) fault(['steps'], 'invoiceThresholds have steps, thenEvery or both');
  for (const [index, step] of steps.entries()) {
    const before = steps[index - 1];
    if (before !== undefined && compare(decimal(step), decimal(before)) <= 0)
      fault(['steps', index], `a step must be above the one before it, ${before}`);
  }
});
export type InvoiceThresholds = z.infer<typeof invoiceThresholdsSchema>;

/** What of them is finer than money of the currency can be: nothing is ever owed to such a part. */
export function thresholdFaults({ steps = [], thenEvery }: InvoiceThresholds, currency: string): FaultDetail[] {
  const digits = currencyExponent(currency);
  const amounts = [
    ...steps.map((step, index) => ({ path: `steps[${index}]`, amount: step })),
    ...(thenEvery === undefined ? [] : [{ path: 'thenEvery', amount: thenEvery }]),
  ];
  return amounts
    .filter(({ amount }) => compare(decimal(amount), roundDecimal(decimal(amount), digits)) !== 0)
    .map(({ path, amount }) => ({
      path: `invoiceThresholds.${path}`,
      message: `must have at most ${digits} digits behind the point in ${currency}, not ${amount}`,
    }));
}

/** What the interim invoices of a period ask for together, before credits. It never falls, as none of them gives money back. */
export function invoicedWithin(interims: readonly InvoiceDocument[]): Decimal {
  return interims.reduce((sum, interim) => add(sum, decimal(charged(interim))), ZERO);
}

/** The lowest level above an amount: money text of the currency; undefined beyond the last. */
export function nextThreshold(thresholds: InvoiceThresholds, amount: Decimal, currency: string): string | undefined {
  const { steps, last, every } = levelsOf(thresholds);
  const step = steps.find((each) => compare(each, amount) > 0);
  if (step !== undefined || every === undefined) return step && formatMoney(step, currency);
  return formatMoney(add(last, times(every, timesIn(subtract(amount, last), every) + 1n)), currency);
}

/** The highest level above `before` that `after` reaches (one that is just met is reached): money text of the currency; undefined if there is none. */
function thresholdReached(
  thresholds: InvoiceThresholds,
  { before, after }: { readonly before: Decimal; readonly after: Decimal },
  currency: string,
): string | undefined {
  const { steps, last, every } = levelsOf(thresholds);
  const isBehindSteps = every !== undefined && compare(after, last) >= 0;
  const step = steps.findLast((each) => compare(each, after) <= 0) ?? ZERO;
  const highest = isBehindSteps ? add(last, times(every, timesIn(subtract(after, last), every))) : step;
  return compare(highest, before) > 0 ? formatMoney(highest, currency) : undefined;
}

/** What an interim invoice says of the levels of its plan version, if it reaches one: it asks for `amount`, before credits, behind those before it. */
export function reachedWith(
  thresholds: InvoiceThresholds | null,
  { interims, amount }: { readonly interims: readonly InvoiceDocument[]; readonly amount: string },
  currency: string,
): Pick<InterimTerms, 'threshold' | 'reached'> {
  if (thresholds === null) return {};
  const before = invoicedWithin(interims);
  const after = add(before, decimal(amount));
  const threshold = thresholdReached(thresholds, { before, after }, currency);
  return threshold === undefined ? {} : { threshold, reached: formatMoney(after, currency) };
}

interface Levels {
  readonly steps: readonly Decimal[];
  /** Behind the steps it goes on by `every` from here. */
  readonly last: Decimal;
  readonly every: Decimal | undefined;
}

function levelsOf({ steps = [], thenEvery }: InvoiceThresholds): Levels {
  const levels = steps.map(decimal);
  return { steps: levels, last: levels.at(-1) ?? ZERO, every: thenEvery === undefined ? undefined : decimal(thenEvery) };
}

function times(amount: Decimal, count: bigint): Decimal {
  return multiply(amount, { units: count, scale: 0 });
}

/** How many whole times `part` goes into an amount that is not below zero. */
function timesIn(amount: Decimal, part: Decimal): bigint {
  const scale = Math.max(amount.scale, part.scale);
  return roundDecimal(amount, scale).units / roundDecimal(part, scale).units;
}
