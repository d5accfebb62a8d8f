import { type BillingCadence, billingPeriodAt, billingYearAt, type SubscriptionSpan } from '../subscriptions/index.ts';
import type { Commitment } from './commitment.ts';

/** The time one minimum and one maximum are for. Half-open, clipped to the subscription. */
export interface CommitmentTerm {
  readonly fromMs: number;
  readonly toMs: number;
  /** Local days of the term, of the `daysInTerm` that the whole one has. */
  readonly days: number;
  readonly daysInTerm: number;
}

/** The term that `atMs` lies in; undefined outside the subscription. It begins and ends with a billing period. */
export function commitmentTermAt(
  { every }: Pick<Commitment, 'every'>,
  cadence: BillingCadence,
  subscription: SubscriptionSpan,
  atMs: number,
): CommitmentTerm | undefined {
  const span = (every === 'year' ? billingYearAt : billingPeriodAt)(cadence, subscription, atMs);
  return span && { fromMs: span.fromMs, toMs: span.toMs, days: span.days, daysInTerm: span.daysInPeriod };
}
