import { Temporal } from 'temporal-polyfill';
import type { EpochDay } from './civil.ts';
import { civilOf, epochDayOf } from './civil.ts';

const DAY_MS = 86_400_000;

/**
 * True for an IANA time zone name in its own spelling (`Europe/Berlin`, `UTC`, `Asia/Kolkata`). Offsets (`+01:00`) are not names,
 * and other capitals are refused because not every engine that gets the name ignores them.
 */
export function isTimezone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{1,62}$/.test(name)) return false;
  try {
    return Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name).timeZoneId === name;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

export function zonedAt(ms: number, timezone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(Math.floor(ms)).toZonedDateTimeISO(timezone);
}

/**
 * The first instant of a local date: its midnight, the earlier one if the clock passes midnight twice, the end of the gap if
 * midnight is skipped. A date that the zone skipped altogether starts where the next one does.
 */
export function startOfDateMs(date: EpochDay, timezone: string): number {
  const utc = new Date(date * DAY_MS);
  return new Temporal.PlainDate(utc.getUTCFullYear(), utc.getUTCMonth() + 1, utc.getUTCDate()).toZonedDateTime(timezone)
    .epochMilliseconds;
}

/**
 * The local date that `ms` belongs to. Where a clock was put back over midnight (Newfoundland until 2011) the repeated minutes
 * belong to the day that had already begun, so that days tile time.
 */
export function localDateAt(ms: number, timezone: string): EpochDay {
  const local = zonedAt(ms, timezone);
  const date = epochDayOf(local.year, local.month, local.day);
  return startOfDateMs(date + 1, timezone) <= ms ? date + 1 : date;
}

/** Start of the local day that `ms` lies in. */
export function startOfLocalDay(ms: number, timezone: string): number {
  return startOfDateMs(localDateAt(ms, timezone), timezone);
}

/** Calendar days from the local day of `fromMs` to the local day of `toMs`: between two local midnights, the whole days between them. */
export function localDaysBetween(fromMs: number, toMs: number, timezone: string): number {
  return localDateAt(toMs, timezone) - localDateAt(fromMs, timezone);
}

/** The local day of an instant: `2026-07-24`. */
export function formatLocalDay(ms: number, timezone: string): string {
  const { year, month, day } = civilOf(localDateAt(ms, timezone));
  return [String(year).padStart(4, '0'), String(month).padStart(2, '0'), String(day).padStart(2, '0')].join('-');
}

/** The wall clock at an instant: `2026-08-12 14:03`. */
export function formatLocalMinute(ms: number, timezone: string): string {
  return zonedAt(ms, timezone).toPlainDateTime().toString({ smallestUnit: 'minute' }).replace('T', ' ');
}
