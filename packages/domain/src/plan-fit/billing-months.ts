import { addMonths, civilOf, epochDayOf, localDateAt, startOfDateMs } from '../time/index.ts';

/** A whole month as it is billed: half-open [fromMs, toMs), of so many local days. */
export interface BillingMonth {
  readonly fromMs: number;
  readonly toMs: number;
  readonly days: number;
  readonly daysInPeriod: number;
  /** Of the twelve months that begin with this one. */
  readonly daysInYear: number;
}

/**
 * The last `count` months that have ended by `nowMs`, oldest first, in the zone: calendar months (`anchorMs` null), or months counted
 * from the local day of the anchor, forward and back (31 January makes 31 December and 28 February).
 */
export function wholeMonthsBefore(at: {
  readonly anchorMs: number | null;
  readonly timezone: string;
  readonly nowMs: number;
  readonly count: number;
}): BillingMonth[] {
  const { timezone, count } = at;
  const today = localDateAt(at.nowMs, timezone);
  const { year, month } = civilOf(today);
  const anchor = at.anchorMs === null ? epochDayOf(year, month, 1) : localDateAt(at.anchorMs, timezone);
  const from = civilOf(anchor);
  const apart = (year - from.year) * 12 + month - from.month;
  const current = addMonths(anchor, apart) <= today ? apart : apart - 1;
  return Array.from({ length: count }, (_, index) => {
    const first = addMonths(anchor, current - count + index);
    const next = addMonths(anchor, current - count + index + 1);
    const nextYear = addMonths(anchor, current - count + index + 12);
    return {
      fromMs: startOfDateMs(first, timezone),
      toMs: startOfDateMs(next, timezone),
      days: next - first,
      daysInPeriod: next - first,
      daysInYear: nextYear - first,
    };
  });
}
