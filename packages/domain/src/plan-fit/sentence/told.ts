import type { Assessment } from '../assess.ts';

/** Everything that the sentence about a subscription is made of. */
export interface Told {
  readonly assessment: Assessment;
  readonly currency: string;
  readonly months: number;
}
