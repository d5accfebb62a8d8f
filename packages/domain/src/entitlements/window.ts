import { type BillingCadence, billingPeriodAt, type SubscriptionSpan } from '../subscriptions/index.ts';
import { localDateAt, startOfDateMs, type TimeWindow } from '../time/index.ts';
import type { EntitlementPeriod } from './entitlement.ts';

const CALENDAR = {
  week: { every: 'week', anchor: 'calendar' },
  month: { every: 'month', anchor: 'calendar' },
} as const satisfies Partial<Record<EntitlementPeriod, BillingCadence>>;

/**
 * The period of a metered entitlement that `atMs` lies in, in the customer's zone; undefined before the subscription's first day. The first one begins
 * with that day. It ends where the next begins, also when the subscription ends before: then it resets no more, and stays what it was until its end.
 */
export function entitlementWindow(
  period: EntitlementPeriod,
  cadence: BillingCadence,
  { startsAtMs, timezone }: Omit<SubscriptionSpan, 'endsAtMs'>,
  atMs: number,
): TimeWindow | undefined {
  const open = { startsAtMs, endsAtMs: null, timezone };
  if (period !== 'day') {
    const counted = billingPeriodAt(period === 'billing_period' ? cadence : CALENDAR[period], open, atMs);
    return counted && { fromMs: counted.fromMs, toMs: counted.toMs };
  }
  const date = localDateAt(atMs, timezone);
  if (date < localDateAt(startsAtMs, timezone)) return undefined;
  return { fromMs: startOfDateMs(date, timezone), toMs: startOfDateMs(date + 1, timezone) };
}
