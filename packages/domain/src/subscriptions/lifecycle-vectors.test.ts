import { formatInstant, localDateAt, parseInstantMs, startOfDateMs, startOfLocalDay } from '../time/index.ts';
import { expect, test } from 'vitest';
import vectors from '../../../../test/data/vectors/lifecycle.json' with { type: 'json' };
import { billingPeriodAt, billingPeriods } from './billing-period.ts';
import type { BillingCadence, BillingPeriod, SubscriptionSpan } from './billing-period.ts';

/**
 * Of lagop-bnd-101, bnd-102 the periods are tested; `chargesFrom` is not: a subscription counts from the midnight of its start day, and
 * in-advance plans bill usage with the period it happened in.
 */
interface LifecycleCase {
  readonly id: string;
  readonly kind: string;
  readonly plan: { readonly interval: string; readonly payInAdvance?: boolean };
  readonly billing: 'calendar' | 'anniversary';
  readonly timezone: string;
  readonly subscriptionAt?: string;
  readonly startAt?: string;
  /** Where the plan began later than the anchor that it keeps. */
  readonly startedAt?: string;
  readonly billingAt?: string;
  readonly noInvoiceAt?: readonly string[];
  readonly exactlyOneInvoiceAcross?: readonly string[];
  readonly stillOneInvoiceAt?: readonly string[];
  readonly expect?: unknown;
}

const EVERY: Readonly<Record<string, BillingCadence['every']>> = {
  weekly: 'week',
  monthly: 'month',
  quarterly: 'quarter',
  semiannual: 'half_year',
  yearly: 'year',
};
const KINDS = ['period_boundary', 'period_sequence', 'period_divisor', 'billing_days', 'billing_run'];
const cases = (vectors as unknown as LifecycleCase[]).filter(({ kind }) => KINDS.includes(kind));

/** The vectors leave out seconds, and the time altogether where they mean local midnight. */
function instantOf(text: string | undefined, timezone: string): number {
  if (text !== undefined && !text.includes('T')) return startOfDateMs(Date.parse(text) / 86_400_000, timezone);
  const ms = parseInstantMs(text?.replace(/T(\d\d:\d\d)Z$/, 'T$1:00Z') ?? '');
  if (ms === undefined) throw new Error(`not an instant: ${String(text)}`);
  return ms;
}

function subscriptionOf(vector: LifecycleCase): { cadence: BillingCadence; subscription: SubscriptionSpan } {
  const every = EVERY[vector.plan.interval];
  if (every === undefined) throw new Error(`no cadence for ${vector.plan.interval}`);
  const startsAtMs = instantOf(vector.subscriptionAt ?? vector.startAt, vector.timezone);
  return { cadence: { every, anchor: vector.billing }, subscription: { startsAtMs, endsAtMs: null, timezone: vector.timezone } };
}

/** What is billed at an instant: in advance the period that contains it, in arrears the one before, if the plan had begun by then. */
function billedPeriod(vector: LifecycleCase): BillingPeriod {
  const { cadence, subscription } = subscriptionOf(vector);
  const current = billingPeriodAt(cadence, subscription, instantOf(vector.billingAt, vector.timezone));
  const isFirst =
    vector.startedAt !== undefined && current !== undefined && instantOf(vector.startedAt, vector.timezone) >= current.fromMs;
  const billed =
    vector.plan.payInAdvance || isFirst || current === undefined
      ? current
      : billingPeriodAt(cadence, subscription, current.fromMs - 1);
  if (billed === undefined) throw new Error('nothing to bill');
  return billed;
}

/** `to` of the vectors is the last second of the period. */
function inclusive({ fromMs, toMs }: BillingPeriod): { from: string; to: string } {
  return { from: formatInstant(fromMs), to: formatInstant(toMs - 1000) };
}

function check(vector: LifecycleCase): void {
  const { cadence, subscription } = subscriptionOf(vector);
  const { timezone } = vector;
  switch (vector.kind) {
    case 'period_divisor':
      expect({ daysInPeriod: String(billedPeriod(vector).daysInPeriod) }).toEqual(vector.expect);
      return;
    case 'period_boundary':
      expect(inclusive(billedPeriod(vector))).toMatchObject(vector.expect as object);
      return;
    case 'period_sequence': {
      const expected = vector.expect as { billAt: string; from: string; to: string }[];
      const untilMs = instantOf(expected.at(-1)?.from, timezone) + 1;
      const periods = billingPeriods(cadence, subscription, { untilMs });
      expect(periods.map(inclusive)).toEqual(expected.map(({ from, to }) => ({ from, to })));
      const billedAt = periods.map(({ fromMs, toMs }) => (vector.plan.payInAdvance ? fromMs : toMs));
      expect(billedAt).toEqual(expected.map(({ billAt }) => instantOf(billAt, timezone)));
      return;
    }
    case 'billing_days': {
      const days = (vector.expect as string[]).map((day) => instantOf(day, timezone));
      const periods = billingPeriods(cadence, subscription, { untilMs: days.at(-1) ?? 0 });
      expect(periods.map(({ toMs }) => toMs)).toEqual(days);
      return;
    }
    case 'billing_run': {
      // An invoice is due on the local day that a period other than the first begins.
      const isDueAt = (text: string): boolean => {
        const dayMs = startOfLocalDay(instantOf(text, timezone), timezone);
        const period = billingPeriodAt(cadence, subscription, dayMs);
        return period !== undefined && period.index > 0 && period.fromMs === dayMs;
      };
      const localDate = (text: string): number => localDateAt(instantOf(text, timezone), timezone);
      const due = vector.exactlyOneInvoiceAcross ?? [];
      expect(due.map(isDueAt)).toEqual(due.map(() => true));
      const dueDates = new Set(due.map(localDate));
      expect(dueDates.size).toBe(1);
      const others = [...(vector.noInvoiceAt ?? []), ...(vector.stillOneInvoiceAt ?? [])];
      expect(others.filter((text) => isDueAt(text) && !dueDates.has(localDate(text)))).toEqual([]);
      expect((vector.noInvoiceAt ?? []).filter(isDueAt)).toEqual([]);
      return;
    }
    default:
      throw new Error(`unknown kind ${vector.kind}`);
  }
}

test('all 38 cases are here', () => {
  expect(cases.length).toBe(38);
});

test.each(cases.map((vector) => [vector.kind, vector.id, vector] as const))(
  '%s %s gives the expected boundaries',
  (_kind, _id, vector) => check(vector),
);
