import type { Ratio } from '../../money/ratio.ts';
import type { Line } from '../line.ts';
import type { Measure } from '../measure.ts';
import type { Usage } from '../usage.ts';

/** What a price asks for some usage, line by line. */
export type RateUsage = (usage: Usage) => Line[];

/** A price whose numbers are read, to be asked any number of times. */
export interface Model {
  readonly rate: RateUsage;
  /** What single events cost, where each has a price by itself: what rounding by event rounds. */
  readonly eventFees?: (measure: Measure) => readonly EventFee[];
}

export interface EventFee {
  readonly amount: Ratio;
  readonly events: bigint;
}
