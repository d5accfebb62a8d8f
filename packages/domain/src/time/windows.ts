import { addMonths, civilOf, epochDayOf } from './civil.ts';
import { localDateAt, startOfDateMs, zonedAt } from './zone.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** Shortest first. */
export const WINDOW_SIZES = ['minute', '5_minutes', '15_minutes', 'hour', 'day', 'month'] as const;
export type WindowSize = (typeof WINDOW_SIZES)[number];

/** Lengths of the windows that every zone has at the same instants. */
export const FIXED_WINDOW_MS: Readonly<Partial<Record<WindowSize, number>>> = {
  minute: MINUTE_MS,
  '5_minutes': 5 * MINUTE_MS,
  '15_minutes': 15 * MINUTE_MS,
};

/** Half-open [fromMs, toMs). */
export interface TimeWindow {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * The windows of `size` in the zone's wall time that cover [fromMs, toMs), in order, without gap; the first and the last are clipped
 * to the range. A day has 23 to 25 hours where the clock changes, and as many hour windows: an hour that comes twice is two windows,
 * and a clock that jumps within an hour (Lord Howe, by 30 minutes) ends a window there. The caller bounds the number of windows.
 */
export function windowsBetween(range: TimeWindow & { readonly size: WindowSize; readonly timezone: string }): TimeWindow[] {
  const endAfter = boundaries(range.size, range.timezone);
  const windows: TimeWindow[] = [];
  for (let fromMs = range.fromMs; fromMs < range.toMs;) {
    const toMs = Math.min(endAfter(fromMs), range.toMs);
    windows.push({ fromMs, toMs });
    fromMs = toMs;
  }
  return windows;
}

/** Answers the first window boundary after an instant; to be asked in ascending order. */
function boundaries(size: WindowSize, timezone: string): (ms: number) => number {
  switch (size) {
    case 'minute':
    case '5_minutes':
    case '15_minutes': {
      // Every offset since 1972 is whole minutes, and nearly every one quarters of an hour: local windows are those of UTC.
      const sizeMs = FIXED_WINDOW_MS[size] ?? MINUTE_MS;
      return (ms) => (Math.floor(ms / sizeMs) + 1) * sizeMs;
    }
    case 'hour':
      return hourBoundaries(timezone);
    case 'day':
      return (ms) => firstStartAfter(ms, localDateAt(ms, timezone), (date) => date + 1, timezone);
    case 'month':
      return (ms) => {
        const { year, month } = civilOf(localDateAt(ms, timezone));
        return firstStartAfter(ms, epochDayOf(year, month, 1), (date) => addMonths(date, 1), timezone);
      };
  }
}

/** Start of the first following date that starts after `ms`: not always the next one, since a zone can skip a whole date. */
function firstStartAfter(ms: number, date: number, next: (date: number) => number, timezone: string): number {
  let startMs = ms;
  for (let candidate = next(date); startMs <= ms; candidate = next(candidate)) startMs = startOfDateMs(candidate, timezone);
  return startMs;
}

function hourBoundaries(timezone: string): (ms: number) => number {
  let offsetMs = 0;
  // The offset holds until here; looked up anew when reached, because asking the zone for every hour is slow.
  let offsetUntilMs = -Infinity;
  return (ms) => {
    if (ms >= offsetUntilMs) {
      const local = zonedAt(ms, timezone);
      offsetMs = local.offsetNanoseconds / 1_000_000;
      offsetUntilMs = local.getTimeZoneTransition('next')?.epochMilliseconds ?? Infinity;
    }
    const nextHourMs = (Math.floor((ms + offsetMs) / HOUR_MS) + 1) * HOUR_MS - offsetMs;
    return Math.min(nextHourMs, offsetUntilMs);
  };
}
