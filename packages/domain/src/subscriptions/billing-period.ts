import { addMonths, civilOf, epochDayOf, localDateAt, startOfDateMs, type EpochDay } from '../time/index.ts';
import { z } from 'zod';
import { type FeeSharing, prorationSchema, wholeSeconds } from './proration.ts';

const MONTHS = { month: 1, quarter: 3, half_year: 6, year: 12 } as const;

/**
 * How often a plan bills, whether periods follow the calendar or the day the subscription started, how fees are prorated (default by day), and how often
 * within a period the usage so far is invoiced (default: with the period).
 */
export const billingPeriodSchema = z
  .strictObject({
    every: z.enum(['week', 'month', 'quarter', 'half_year', 'year']),
    anchor: z.enum(['calendar', 'anniversary']),
    proration: prorationSchema.optional(),
    usageEvery: z.enum(['month', 'quarter', 'half_year']).optional(),
  })
  .refine(({ every, usageEvery }) => usageEvery === undefined || (every !== 'week' && MONTHS[usageEvery] < MONTHS[every]), {
    path: ['usageEvery'],
    message:
      'usageEvery must be shorter than every: a month within a quarter, half-year or year, a quarter within a half-year or year, or a half-year within a year',
  });
export type BillingCadence = z.infer<typeof billingPeriodSchema>;

/** The part of a subscription, or of its time on one plan version, that decides its billing periods. */
export interface SubscriptionSpan {
  readonly startsAtMs: number;
  /** Null = open. Usage of the whole local day of this instant is still billed, and by days its fees. */
  readonly endsAtMs: number | null;
  /** The local midnight at which other terms go on; its day is theirs. */
  readonly untilMs?: number | null;
  /** Anniversaries and years are counted from its local day, which is not after that of `startsAtMs`; default `startsAtMs`. */
  readonly anchorMs?: number;
  /** Whether fees that are due once are due in its first period; default true. */
  readonly begins?: boolean;
  /** Whether its first period pays its fees whole, however many of its days it has; default false. */
  readonly paysWhole?: boolean;
  /** IANA name of the customer's zone. */
  readonly timezone: string;
}

export interface BillingPeriod {
  /** 0 for the period in which fees are due once: the first one, unless the span does not begin the plan, whose periods count from 1. */
  readonly index: number;
  /** Half-open [fromMs, toMs), clipped to the subscription. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Local days of [fromMs, toMs). */
  readonly days: number;
  /** Local days of the full period, unclipped: fees pay days / daysInPeriod. */
  readonly daysInPeriod: number;
  /** How fees are shared instead, where it is not by days: see `feeShare`. */
  readonly sharing?: FeeSharing;
}

/**
 * The billing period that `atMs` lies in; undefined outside the subscription. Periods start at local midnight; a subscription
 * counts from the midnight of its start day to the midnight after its end day. Calendar weeks start on Monday, quarters in January,
 * April, July and October, half-years in January and July. Anniversary periods are counted from the start day (31 Jan, 28 Feb, 31 Mar).
 */
export function billingPeriodAt(
  cadence: BillingCadence,
  subscription: SubscriptionSpan,
  atMs: number,
): BillingPeriod | undefined {
  const span = datesOf(subscription);
  const place = placeAt(cadence, span, localDateAt(atMs, subscription.timezone));
  return place === undefined ? undefined : numbered(periodOf(cadence, span, subscription, place), cadence, span, subscription);
}

/** All billing periods of the subscription that began before `untilMs`, in order. */
export function billingPeriods(
  cadence: BillingCadence,
  subscription: SubscriptionSpan,
  range: { readonly untilMs: number },
): BillingPeriod[] {
  const span = datesOf(subscription);
  const periods: BillingPeriod[] = [];
  for (let place = firstPlace(cadence, span); ; place++) {
    const period = numbered(periodOf(cadence, span, subscription, place), cadence, span, subscription);
    if (period === undefined || period.fromMs >= range.untilMs) return periods;
    periods.push(period);
  }
}

/**
 * The last instant up to `atMs` at which the usage of the billing period that it lies in is invoiced before its end: a month (quarter, half-year) of it is
 * over. Undefined before the first one, and where usage is invoiced with its period.
 */
export function usageInvoicedTo(cadence: BillingCadence, subscription: SubscriptionSpan, atMs: number): number | undefined {
  const { usageEvery, anchor } = cadence;
  if (usageEvery === undefined) return undefined;
  const period = billingPeriodAt(cadence, subscription, atMs);
  const part = billingPeriodAt({ every: usageEvery, anchor }, subscription, atMs);
  return period !== undefined && part !== undefined && part.fromMs > period.fromMs ? part.fromMs : undefined;
}

/** A year in billing periods, so that it ends with one of them. */
const PERIODS_PER_YEAR = { week: 52, month: 12, quarter: 4, half_year: 2, year: 1 } as const;

/** As `billingPeriodAt`, for years: 12 months, 4 quarters, 2 half-years or 52 weeks of billing periods, counted from the one the anchor lies in. */
export function billingYearAt(cadence: BillingCadence, subscription: SubscriptionSpan, atMs: number): BillingPeriod | undefined {
  const span = datesOf(subscription);
  const place = placeAt(cadence, span, localDateAt(atMs, subscription.timezone));
  if (place === undefined) return undefined;
  const periods = PERIODS_PER_YEAR[cadence.every];
  const index = Math.floor(place / periods);
  const year = periodsFrom(cadence, span, subscription, { index: index * periods, count: periods });
  return year && { ...year, index };
}

/** Half-open span of local dates, and the date that periods are counted from. */
interface DateSpan {
  readonly from: EpochDay;
  readonly to: EpochDay | null;
  readonly anchor: EpochDay;
}

function datesOf({ startsAtMs, endsAtMs, untilMs = null, anchorMs = startsAtMs, timezone }: SubscriptionSpan): DateSpan {
  const ends = [
    ...(endsAtMs === null ? [] : [localDateAt(endsAtMs, timezone) + 1]),
    ...(untilMs === null ? [] : [localDateAt(untilMs, timezone)]),
  ];
  return {
    from: localDateAt(startsAtMs, timezone),
    to: ends.length === 0 ? null : Math.min(...ends),
    anchor: localDateAt(anchorMs, timezone),
  };
}

/** Which full period from the anchor on a date lies in; undefined outside the span. */
function placeAt(cadence: BillingCadence, { from, to, anchor }: DateSpan, date: EpochDay): number | undefined {
  if (date < from || (to !== null && date >= to)) return undefined;
  return indexOf(cadence, anchorOf(cadence, anchor), date);
}

function firstPlace(cadence: BillingCadence, { from, anchor }: DateSpan): number {
  return indexOf(cadence, anchorOf(cadence, anchor), from);
}

/** A period by its number within the span instead of its place from the anchor. */
function numbered(
  period: BillingPeriod | undefined,
  cadence: BillingCadence,
  span: DateSpan,
  { begins = true, paysWhole = false }: SubscriptionSpan,
): BillingPeriod | undefined {
  if (period === undefined) return undefined;
  const number = period.index - firstPlace(cadence, span);
  return {
    ...period,
    index: begins ? number : number + 1,
    ...(paysWhole && number === 0 && { sharing: { by: 'none' } as const }),
  };
}

function periodOf(
  cadence: BillingCadence,
  span: DateSpan,
  subscription: SubscriptionSpan,
  index: number,
): BillingPeriod | undefined {
  return periodsFrom(cadence, span, subscription, { index, count: 1 });
}

/** `count` periods on end as if they were one. */
function periodsFrom(
  cadence: BillingCadence,
  span: DateSpan,
  subscription: SubscriptionSpan,
  { index, count }: { readonly index: number; readonly count: number },
): BillingPeriod | undefined {
  const anchor = anchorOf(cadence, span.anchor);
  const fullFrom = periodStart(cadence, anchor, index);
  const fullTo = periodStart(cadence, anchor, index + count);
  const from = Math.max(fullFrom, span.from);
  const to = span.to === null ? fullTo : Math.min(fullTo, span.to);
  if (from >= to) return undefined;
  const instant = (date: EpochDay): number => startOfDateMs(date, subscription.timezone);
  const clipped = { fromMs: instant(from), toMs: instant(to) };
  const full = { fromMs: instant(fullFrom), toMs: instant(fullTo) };
  const sharing = sharingOf(cadence, subscription, clipped, full);
  return { index, ...clipped, days: to - from, daysInPeriod: fullTo - fullFrom, ...(sharing && { sharing }) };
}

interface Instants {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * By the second, a calendar period pays from the second of the start; an anniversary period began with the start's day, so that the first is whole.
 * Both pay to the second of the end.
 */
function sharingOf(
  { anchor, proration = 'day' }: BillingCadence,
  { startsAtMs, endsAtMs }: SubscriptionSpan,
  clipped: Instants,
  full: Instants,
): FeeSharing | undefined {
  if (proration !== 'second') return proration === 'day' ? undefined : { by: 'none' };
  const fromMs = anchor === 'calendar' ? Math.max(clipped.fromMs, startsAtMs) : clipped.fromMs;
  const toMs = Math.max(fromMs, Math.min(clipped.toMs, endsAtMs ?? Infinity));
  const [from, to] = [wholeSeconds(fromMs) * 1000, wholeSeconds(toMs) * 1000];
  return { by: 'second', fromMs: from, toMs: to, secondsInPeriod: wholeSeconds(full.toMs) - wholeSeconds(full.fromMs) };
}

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
