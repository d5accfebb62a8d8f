import { type BillingPeriod, billingPeriodAt, type SubscriptionSpan } from '@meterline/domain/subscriptions';
import type { Account, SubscriptionTerms } from '../ports/index.ts';

/** The days of a subscription under its terms, as billing periods and commitments count them. */
export function spanOf(
  { startsAtMs, endsAtMs, untilMs, anchorMs, begins, paysWhole }: SubscriptionTerms,
  { timezone }: Pick<Account, 'timezone'>,
): SubscriptionSpan {
  return { startsAtMs, endsAtMs, untilMs, anchorMs, begins, paysWhole, timezone };
}

/** The billing period of a subscription under its terms at an instant, in its customer's zone; undefined outside them. */
export function periodAt(terms: SubscriptionTerms, account: Pick<Account, 'timezone'>, atMs: number): BillingPeriod | undefined {
  return billingPeriodAt(terms.cadence, spanOf(terms, account), atMs);
}

/** The first period of a subscription, whose terms follow on each other, that is not over at `fromMs`; null = its very first. */
export function nextPeriod(
  stretches: readonly SubscriptionTerms[],
  account: Pick<Account, 'timezone'>,
  fromMs: number | null,
): { readonly terms: SubscriptionTerms; readonly period: BillingPeriod } | undefined {
  for (const terms of stretches) {
    const period = periodAt(terms, account, Math.max(terms.startsAtMs, fromMs ?? terms.startsAtMs));
    if (period !== undefined) return { terms, period };
  }
  return undefined;
}
