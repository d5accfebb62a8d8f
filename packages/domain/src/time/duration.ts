import { Temporal } from 'temporal-polyfill';
import { zonedAt } from './zone.ts';

/** True for an ISO 8601 duration that leads forward (`P1M`, `P2W`, `P1DT12H`). */
export function isDuration(text: string): boolean {
  return unlessOutOfRange(() => Temporal.Duration.from(text).sign > 0) ?? false;
}

/**
 * Epoch milliseconds of the instant that lies a duration (`isDuration`) behind `fromMs` by the calendar of the zone: the time of the day stays over a change
 * of clocks, and 31 January and a month are the end of February. Undefined where no calendar reaches.
 */
export function afterDuration(fromMs: number, duration: string, timezone: string): number | undefined {
  return unlessOutOfRange(() => zonedAt(fromMs, timezone).add(duration).epochMilliseconds);
}

function unlessOutOfRange<T>(compute: () => T): T | undefined {
  try {
    return compute();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
