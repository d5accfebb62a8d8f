import type { Modifiers, Price } from '../prices/index.ts';
import { floorMinute } from '../time/index.ts';

/**
 * Another price for a rate card of a plan version, from an instant on until a later change says otherwise. Bitemporal: `validFromMs` says
 * from when on it is charged, `knownSinceMs` since when it is known. Never changed or deleted: a mistake is followed by another change.
 */
export interface PriceChange {
  /** 1, 2, ... within the plan version, in the order the changes were entered; what is known up to one of them is its revision. */
  readonly revision: number;
  readonly rateCard: string;
  /** A whole minute: usage is kept by the minute. */
  readonly validFromMs: number;
  /** Never before that of an earlier revision. */
  readonly knownSinceMs: number;
  readonly price: Price;
  readonly modifiers: Modifiers | null;
}

/** Whether a price may change at this instant. */
export function isPriceChangeInstant(ms: number): boolean {
  return floorMinute(ms) === ms;
}
