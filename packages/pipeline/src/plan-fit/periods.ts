import { INVOICE_POLICY } from '@meterline/domain/invoices';
import { type Allowance, allowanceOf, type BillingMonth, countingCard, unitsCounted } from '@meterline/domain/plan-fit';
import type { RateCard } from '@meterline/domain/prices';
import type { Account, MeterRecord } from '../ports/index.ts';
import type { PeriodToRate, RatedPeriod } from '../spend/index.ts';
import type { PlanTerms } from './plan-terms.ts';

/** Fees that are due once, in the first period of a subscription, say nothing about a month. */
const AMID_SUBSCRIPTION = 1;

export interface CustomerMonths {
  readonly account: Account;
  readonly months: readonly BillingMonth[];
  readonly terms: readonly PlanTerms[];
  /** What the terms price, each once. */
  readonly meters: readonly MeterRecord[];
  /** When the customer's first subscription began, if it had any. */
  readonly sinceMs: number | null;
}

type Priced = Pick<PeriodToRate, 'plan' | 'planVersion' | 'priceRevision' | 'phase' | 'rateCards' | 'quantities'>;

/** By the prices of the terms. */
export function pricedSo({ plan, planVersion, priceRevision, phase, rateCards, quantities }: PlanTerms): Priced {
  return { plan, planVersion, priceRevision, phase, rateCards, quantities: [{ fromMs: 0, of: quantities }] };
}

/** By cards of no plan: those that count. */
export function countedSo(rateCards: readonly RateCard[]): Priced {
  return { plan: '', planVersion: 0, priceRevision: 0, rateCards };
}

/** Cards that count what those of the terms price, in their units. */
export function countingCards({ rateCards }: PlanTerms): RateCard[] {
  return rateCards.filter(({ meter }) => meter !== undefined).map(countingCard);
}

/** A whole period of the customer's usage, to be rated so. */
export function periodOf(
  { subjects, currency, timezone, negotiated }: Account,
  priced: Priced,
  range: Pick<BillingMonth, 'fromMs' | 'toMs' | 'days' | 'daysInPeriod'>,
): PeriodToRate {
  const { fromMs, toMs, days, daysInPeriod } = range;
  const period = { index: AMID_SUBSCRIPTION, fromMs, toMs, days, daysInPeriod };
  return { subjects, currency, timezone, negotiated, policy: INVOICE_POLICY, committed: false, ...priced, period };
}

/** What a period of counting cards counted, by card. */
export function unitsOf({ lines }: RatedPeriod): Map<string, string> {
  return new Map(lines.map((line) => [line.key, unitsCounted(line)]));
}

/** Lines carry the modifiers that were in force when their period ended. */
export function allowancesOf(lines: RatedPeriod['lines'] = []): Allowance[] {
  return lines.flatMap((line) => allowanceOf(line) ?? []);
}

/** The next of the answers, which come in the order of the questions. */
export function take<Item>(items: Iterator<Item>): Item {
  const next: IteratorResult<Item, unknown> = items.next();
  if (next.done === true) throw new Error('fewer answers than questions');
  return next.value;
}
