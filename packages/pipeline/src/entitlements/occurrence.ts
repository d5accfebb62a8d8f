import { createHash } from 'node:crypto';
import { reachedLevels } from '@meterline/domain/entitlements';
import { formatInstant } from '@meterline/domain/time';
import type { EntitlementOccurrence } from '../ports/index.ts';
import { webhookMessageId } from '../webhooks/index.ts';
import type { CustomerEntitlements } from './entitlements-at.ts';

/** Every level that usage has reached, whether it was told before or not. */
export function reachedOccurrences(
  { account, cut, standings }: CustomerEntitlements,
  nowMs: number,
  tenant: string,
): EntitlementOccurrence[] {
  return standings.flatMap(({ feature, union, standings: pools }) =>
    pools.flatMap((standing) =>
      reachedLevels(standing).map((percent) => {
        const { limit, used, balance, overage, sources, fromMs, toMs } = standing;
        const level = {
          customer: account.key,
          feature: feature.key,
          periodFromMs: fromMs,
          periodToMs: toMs,
          limit: limit ?? '',
          percent,
        };
        const figures = { used, balance: balance ?? '', overage, hasAccess: union.hasAccess, sources };
        return { id: occurrenceId(level, tenant), ...level, ...figures, cut, triggeredAtMs: nowMs };
      }),
    ),
  );
}

type ReachedLevel = Pick<EntitlementOccurrence, 'customer' | 'feature' | 'periodFromMs' | 'periodToMs' | 'limit' | 'percent'>;

/** Always the same for a level in a period, so that firing twice is firing once. Another limit within the period has levels of its own. */
function occurrenceId({ customer, feature, periodFromMs, periodToMs, limit, percent }: ReachedLevel, tenant: string): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([tenant, customer, feature, periodFromMs, periodToMs, limit, percent]))
    .digest('hex');
  return `eno_${hash.slice(0, 32)}`;
}

/** The `entitlement.threshold_reached` message of an occurrence, for the outbox. */
export function entitlementMessage(occurrence: EntitlementOccurrence, tenant: string) {
  const { id, customer, feature, percent, limit, used, balance, overage, hasAccess, sources, cut } = occurrence;
  const type = 'entitlement.threshold_reached';
  return {
    id: webhookMessageId(tenant, type, id),
    tenant,
    type,
    data: {
      ...{ id, customer, feature, percent, limit, used, balance, overage, hasAccess, sources },
      period: { from: formatInstant(occurrence.periodFromMs), to: formatInstant(occurrence.periodToMs) },
      asOf: { cut, at: formatInstant(occurrence.triggeredAtMs) },
    },
    createdAtMs: occurrence.triggeredAtMs,
  } as const;
}
