import { formatInstant } from '@meterline/domain/time';
import type { Database, SqlExecutor, SubscriptionRecord, TrialNoticeStore } from '@meterline/pipeline/ports';
import type { TrialOutcome } from '@meterline/pipeline/stages';
import { enqueueMessage } from '../webhooks/index.ts';
import { epochMs } from './rows.ts';
import { subscriptionById } from './subscription-update.ts';

interface NoticeRow {
  readonly tenant: string;
  readonly subscription: string;
  readonly kind: 'will_end' | 'ended';
  readonly trial_until: string;
  readonly due_at: string;
  readonly outcome: TrialOutcome | null;
}

export function trialNoticeStore(db: Database): TrialNoticeStore {
  return {
    async nextDue() {
      const rows = await db.query<{ tenant: string; due_at: string }>(
        `select t.id as tenant, n.due_at from tenant t cross join lateral (
           select due_at from trial_notice where told_at is null and tenant = t.id order by due_at limit 1) n`,
      );
      return rows.map(({ tenant, due_at }) => ({ tenant, dueMs: epochMs(due_at) }));
    },

    async tellDue(nowMs, limit, tenant) {
      const due = await db.query<NoticeRow>(
        `select tenant, subscription, kind, trial_until, due_at, outcome from trial_notice
         where told_at is null and due_at <= $1 and tenant = $3 order by due_at, subscription limit $2`,
        [new Date(nowMs), limit, tenant],
      );
      for (const notice of due) await db.transaction((tx) => tell(tx, notice, nowMs));
      return due.length;
    },
  };
}

/** A change of the subscription may have come first: then it says itself what is to be told. */
async function tell(tx: SqlExecutor, { tenant, subscription: id, kind, trial_until }: NoticeRow, nowMs: number): Promise<void> {
  await tx.query('select id from subscription where id = $1 and tenant = $2 for update', [id, tenant]);
  const [told] = await tx.query<NoticeRow>(
    `update trial_notice set told_at = $1 where told_at is null and due_at <= $1 and subscription = $2 and kind = $3 and trial_until = $4
       and tenant = $5 returning *`,
    [new Date(nowMs), id, kind, trial_until, tenant],
  );
  if (told === undefined) return;
  const subscription = await subscriptionById(tx, id, tenant);
  if (subscription === undefined) throw new Error(`subscription ${id} is gone`);
  const type = kind === 'will_end' ? 'subscription.trial_will_end' : 'subscription.trial_ended';
  await enqueueMessage(tx, { tenant, type, data: dataOf(subscription, told), createdAtMs: nowMs });
}

function dataOf({ id, customer, stages, endsAtMs }: SubscriptionRecord, { kind, trial_until, due_at, outcome }: NoticeRow) {
  const untilMs = epochMs(trial_until);
  const trial = stages.findLast(({ phase }) => phase !== null && phase.remindsAtMs !== null && phase.untilMs === untilMs);
  const next = stages.find(({ fromMs }) => fromMs >= untilMs && (endsAtMs === null || fromMs <= endsAtMs));
  return {
    subscription: id,
    customer,
    plan: trial?.plan ?? null,
    planVersion: trial?.planVersion ?? null,
    endsAt: formatInstant(kind === 'ended' ? epochMs(due_at) : untilMs),
    ...(outcome !== null && { outcome }),
    // What follows: null where the subscription ends.
    next: next === undefined ? null : { plan: next.plan, planVersion: next.planVersion, phase: next.phase?.key ?? null },
  };
}
