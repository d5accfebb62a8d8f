import { formatInstant } from '@meterline/domain/time';
import type { SqlExecutor, SubscriptionRecord } from '@meterline/pipeline/ports';
import { enqueueMessage } from '../webhooks/index.ts';

/** What was made or withdrawn. */
interface Told {
  readonly id: string | null;
  readonly kind: string;
  readonly withdraws: readonly string[];
}

/** `subscription.changed`, in the transaction of the change: which change, and what the subscription is by its days now. */
export async function tellChanged(
  tx: SqlExecutor,
  subscription: SubscriptionRecord,
  { id, kind, withdraws }: Told,
  nowMs: number,
  tenant: string,
): Promise<void> {
  const { endsAtMs, stages, version, customer } = subscription;
  await enqueueMessage(tx, {
    tenant,
    type: 'subscription.changed',
    data: {
      subscription: subscription.id,
      customer,
      version,
      change: id,
      kind,
      withdrawn: withdraws,
      endsAt: instantOrNull(endsAtMs),
      // Those that count from now on; what a subscription was before is for asking.
      stages: stages
        .filter(({ untilMs }) => untilMs === null || untilMs > nowMs)
        .slice(0, STAGES_TOLD_MAX)
        .map(({ fromMs, untilMs, plan, planVersion, paused }) => ({
          from: formatInstant(fromMs),
          until: instantOrNull(untilMs),
          plan,
          planVersion,
          paused,
        })),
    },
    createdAtMs: nowMs,
  });
}

/** So that a message stays small. */
const STAGES_TOLD_MAX = 20;

const instantOrNull = (ms: number | null): string | null => (ms === null ? null : formatInstant(ms));
