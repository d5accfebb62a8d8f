import * as ratio from '../money/ratio.ts';
import type { Price } from '../prices/index.ts';
import { type Measure, notBelowZero, sumOf } from './measure.ts';
import type { SeatChange } from './metered-usage.ts';
import type { SeatsHeld } from './usage.ts';

const NONE: readonly SeatsHeld[] = [];

/** The seats that changes of `held` lead to, for a price per seat: counted as usage is, before any conversion or allowance. Fewer than none are none. */
export function seatsLater(price: Price, held: Measure, changes: readonly SeatChange[] = []): readonly SeatsHeld[] {
  if (price.model !== 'per_seat' || changes.length === 0) return NONE;
  let seats = held;
  return changes.map(({ seats: change, days }) => {
    seats = notBelowZero(sumOf(seats, { quantity: ratio.read(change), events: 0n, values: null, groups: null }));
    return { held: seats, days };
  });
}
