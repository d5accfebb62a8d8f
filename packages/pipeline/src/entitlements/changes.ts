import { entitlementWindow } from '@meterline/domain/entitlements';
import { startOfLocalDay } from '@meterline/domain/time';
import type { Account, SubscriptionTerms } from '../ports/index.ts';
import { periodAt } from '../spend/index.ts';
import { allowedAt } from './allowed-at.ts';

/**
 * The first instant after `atMs` at which time alone may change what the customer can use: a period begins anew, a subscription begins or ends, or
 * there are more or fewer of an add-on.
 * Infinity if it never does.
 */
export function nextChangeMs(account: Account, atMs: number): number {
  return Math.min(...account.subscriptions.flatMap((terms) => changesOf(terms, account, atMs)));
}

function changesOf(terms: SubscriptionTerms, account: Account, atMs: number): number[] {
  const { startsAtMs, cadence, quantities } = terms;
  const { timezone } = account;
  const period = periodAt(terms, account, atMs);
  if (period === undefined) return [startOfLocalDay(startsAtMs, timezone), startsAtMs].filter((ms) => ms > atMs);
  const windows = allowedAt(terms, atMs).flatMap(({ entitlement }) => {
    if (entitlement.type !== 'metered') return [];
    return entitlementWindow(entitlement.period ?? 'billing_period', cadence, { startsAtMs, timezone }, atMs)?.toMs ?? [];
  });
  const added = quantities.map(({ fromMs }) => fromMs).filter((fromMs) => fromMs > atMs);
  return [period.toMs, ...windows, ...added];
}
