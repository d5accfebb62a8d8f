import { addMonths, civilOf, epochDayOf, localDateAt, startOfDateMs, type EpochDay } from '../time/index.ts';
import { z } from 'zod';

/** How often a plan bills, and whether periods follow the calendar or the day the subscription started. */
export const billingPeriodSchema = z.strictObject({
  every: z.enum(['week', 'month', 'quarter', 'year']),
  anchor: z.enum(['calendar', 'anniversary']),
});
export type BillingCadence = z.infer<typeof billingPeriodSchema>;

/** The part of a subscription that decides its billing periods. */
export interface SubscriptionSpan {
  readonly startsAtMs: number;
  /** Null = open. The local day of this instant is still billed. */
  readonly endsAtMs: number | null;
  /** IANA name of the customer's zone. */
  readonly timezone: string;
}

export interface BillingPeriod {
  /** 0 for the period the subscription starts in. */
  readonly index: number;
  /** Half-open [fromMs, toMs), clipped to the subscription. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Local days of [fromMs, toMs). */
  readonly days: number;
  /** Local days of the full period, unclipped: days / daysInPeriod is the share to bill. */
  readonly daysInPeriod: number;
}

/**
 * The billing period that `atMs` lies in; undefined outside the subscription. Periods start at local midnight; a subscription
 * counts from the midnight of its start day to the midnight after its end day. Calendar weeks start on Monday, quarters in January,
 * April, July and October. Anniversary periods are counted from the start day (31 Jan, 28 Feb, 31 Mar).
 */
export function billingPeriodAt(
  cadence: BillingCadence,
  subscription: SubscriptionSpan,
  atMs: number,
): BillingPeriod | undefined {
  const span = datesOf(subscription);
  const date = localDateAt(atMs, subscription.timezone);
  if (date < span.from || (span.to !== null && date >= span.to)) return undefined;
  return periodOf(cadence, span, subscription.timezone, indexOf(cadence, anchorOf(cadence, span.from), date));
}

/** All billing periods of the subscription that began before `untilMs`, in order. */
export function billingPeriods(
  cadence: BillingCadence,
  subscription: SubscriptionSpan,
  range: { readonly untilMs: number },
): BillingPeriod[] {
  const span = datesOf(subscription);
  const periods: BillingPeriod[] = [];
  for (let index = 0; ; index++) {
    const period = periodOf(cadence, span, subscription.timezone, index);
    if (period === undefined || period.fromMs >= range.untilMs) return periods;
    periods.push(period);
  }
}

/** Half-open span of local dates. */
interface DateSpan {
  readonly from: EpochDay;
  readonly to: EpochDay | null;
}

function datesOf({ startsAtMs, endsAtMs, timezone }: SubscriptionSpan): DateSpan {
  return { from: localDateAt(startsAtMs, timezone), to: endsAtMs === null ? null : localDateAt(endsAtMs, timezone) + 1 };
}

function periodOf(cadence: BillingCadence, span: DateSpan, timezone: string, index: number): BillingPeriod | undefined {
  const anchor = anchorOf(cadence, span.from);
  const fullFrom = periodStart(cadence, anchor, index);
  const fullTo = periodStart(cadence, anchor, index + 1);
  const from = Math.max(fullFrom, span.from);
  const to = span.to === null ? fullTo : Math.min(fullTo, span.to);
  if (from >= to) return undefined;
  return {
    index,
    fromMs: startOfDateMs(from, timezone),
    toMs: startOfDateMs(to, timezone),
    days: to - from,
    daysInPeriod: fullTo - fullFrom,
  };
}

const MONTHS = { month: 1, quarter: 3, year: 12 } as const;

/** First day of the full period 0. */
function anchorOf({ every, anchor }: BillingCadence, start: EpochDay): EpochDay {
  if (anchor === 'anniversary') return start;
  // Epoch day 0 was a Thursday, three days after a Monday.
  if (every === 'week') return start - modulo(start + 3, 7);
  const { year, month } = civilOf(start);
  return epochDayOf(year, month - modulo(month - 1, MONTHS[every]), 1);
}

/** First day of the full period `index`: always counted from the anchor, so that a short month does not shift those after it. */
function periodStart({ every }: BillingCadence, anchor: EpochDay, index: number): EpochDay {
  return every === 'week' ? anchor + 7 * index : addMonths(anchor, MONTHS[every] * index);
}

/** Index of the full period that `date` (not before the anchor) lies in. */
function indexOf(cadence: BillingCadence, anchor: EpochDay, date: EpochDay): number {
  if (cadence.every === 'week') return Math.floor((date - anchor) / 7);
  const from = civilOf(anchor);
  const at = civilOf(date);
  const monthsApart = (at.year - from.year) * 12 + at.month - from.month;
  const index = Math.floor(monthsApart / MONTHS[cadence.every]);
  return periodStart(cadence, anchor, index) <= date ? index : index - 1;
}

function modulo(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor;
}
