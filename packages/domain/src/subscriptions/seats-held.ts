import { type Decimal, decimal, formatDecimal, isZero, max, subtract, ZERO } from '../money/index.ts';
import type { MeteredUsage } from '../rating/index.ts';
import { localDaysBetween } from '../time/index.ts';
import { feeShare, type SharedPeriod, type Span } from './proration.ts';

/** How many of something are held, from an instant on until the next level. */
export interface HeldLevel {
  readonly fromMs: number;
  /** Decimal text; below zero counts as none. */
  readonly level: string;
}

/**
 * The seats of a part of a billing period as its fees are shared. By days or seconds: those held in the first one, and each change with what is left of
 * the part; a day (or second) has the seats that it ends with, as it has the price that it ends with. Where fees are not shared, a seat that was ever
 * held pays whole: the most there were at once. `levels` are in time order, the first from the beginning of the part on.
 */
export function seatsHeld(
  levels: readonly HeldLevel[],
  { period, part, timezone }: { readonly period: SharedPeriod; readonly part: Span; readonly timezone: string },
): Pick<MeteredUsage, 'quantity' | 'seatChanges'> {
  const seatsOf = ({ level }: HeldLevel) => max(decimal(level), ZERO);
  if (period.sharing?.by === 'none') {
    return { quantity: formatDecimal(levels.map(seatsOf).reduce(max, ZERO)), seatChanges: [] };
  }
  const whole = feeShare(period, part).numerator;
  const leftFrom = (ms: number) => {
    const fromMs = Math.max(ms, part.fromMs);
    return feeShare(period, { ...part, fromMs, days: localDaysBetween(fromMs, part.toMs, timezone) }).numerator;
  };
  let first = ZERO;
  const later = new Map<number, Decimal>();
  for (const level of levels) {
    const days = leftFrom(level.fromMs);
    if (days === whole) first = seatsOf(level);
    else if (days > 0) later.set(days, seatsOf(level));
  }
  let held = first;
  const seatChanges = [...later].flatMap(([days, seats]) => {
    const change = subtract(seats, held);
    held = seats;
    return isZero(change) ? [] : [{ seats: formatDecimal(change), days }];
  });
  return { quantity: formatDecimal(first), seatChanges };
}
