import { daysInMonth, epochDayOf } from './civil.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const YEAR_0_MS = epochDayOf(0, 1, 1) * DAY_MS;
const YEAR_10000_MS = epochDayOf(10_000, 1, 1) * DAY_MS;

const CHAR_T = 0x54;
const CHAR_Z = 0x5a;
const CHAR_PLUS = 0x2b;
const CHAR_MINUS = 0x2d;
const CHAR_DOT = 0x2e;
const CHAR_COLON = 0x3a;
/** Lower-case letters differ from upper-case ones in this bit. */
const UPPER_CASE = ~0x20;

/** Value of the two digits at `at`, or NaN (which fails every range check below). */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const ones = text.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : NaN;
}

/**
 * Epoch milliseconds of an RFC 3339 instant (`2026-11-22T01:20:10.123Z`, `2026-11-22t06:50:10+05:30`), or undefined if `text` is
 * anything else: an impossible date, a missing offset, a blank for the `T`. Digits beyond milliseconds are cut off; a leap second
 * is the second that follows it, as in POSIX. Written by hand, one pass over the characters, because it runs for every event.
 */
export function parseInstantMs(text: string): number | undefined {
  const length = text.length;
  if (length < 20) return undefined;
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  const second = twoDigits(text, 17);
  if (text.charCodeAt(4) !== CHAR_MINUS || text.charCodeAt(7) !== CHAR_MINUS || (text.charCodeAt(10) & UPPER_CASE) !== CHAR_T)
    return undefined;
  if (text.charCodeAt(13) !== CHAR_COLON || text.charCodeAt(16) !== CHAR_COLON) return undefined;
  if (!(year >= 0 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month))) return undefined;
  if (!(hour <= 23 && minute <= 59 && second <= 60)) return undefined;

  let at = 19;
  let fractionMs = 0;
  if (text.charCodeAt(at) === CHAR_DOT) {
    const from = at + 1;
    let unitMs = 100;
    for (at = from; at < length; at++) {
      const digit = text.charCodeAt(at) - 48;
      if (!(digit >= 0 && digit <= 9)) break;
      if (at < from + 3) fractionMs += digit * unitMs;
      unitMs /= 10;
    }
    if (at === from) return undefined;
  }

  const offsetMinutes = parseOffset(text, at);
  if (offsetMinutes === undefined) return undefined;
  const wholeMs = epochDayOf(year, month, day) * DAY_MS + ((hour * 60 + minute - offsetMinutes) * 60 + second) * 1000;
  // Leap seconds are inserted at the end of a UTC day only.
  if (second === 60 && wholeMs % DAY_MS !== 0) return undefined;
  const ms = wholeMs + fractionMs;
  // The offset may carry over the four-digit years that the format can express.
  return ms >= YEAR_0_MS && ms < YEAR_10000_MS ? ms : undefined;
}

/** Minutes east of UTC of the offset that fills `text` from `at` to its end. */
function parseOffset(text: string, at: number): number | undefined {
  const sign = text.charCodeAt(at);
  if ((sign & UPPER_CASE) === CHAR_Z) return text.length === at + 1 ? 0 : undefined;
  if ((sign !== CHAR_PLUS && sign !== CHAR_MINUS) || text.length !== at + 6 || text.charCodeAt(at + 3) !== CHAR_COLON)
    return undefined;
  const hours = twoDigits(text, at + 1);
  const minutes = twoDigits(text, at + 4);
  if (!(hours <= 23 && minutes <= 59)) return undefined;
  return (sign === CHAR_PLUS ? 1 : -1) * (hours * 60 + minutes);
}

/** RFC 3339 in UTC: `2026-11-22T01:20:10.123Z`, and `2026-11-22T01:20:10Z` on a whole second. */
export function formatInstant(ms: number): string {
  const text = new Date(ms).toISOString();
  return ms % 1000 === 0 ? `${text.slice(0, -5)}Z` : text;
}

/** The whole minute that `ms` lies in. */
export function floorMinute(ms: number): number {
  return Math.floor(ms / MINUTE_MS) * MINUTE_MS;
}
