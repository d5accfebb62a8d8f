import { trialNotices } from '@meterline/pipeline/stages';
import type { SqlExecutor, SubscriptionRecord } from '@meterline/pipeline/ports';

/**
 * Notes what is to be told of the trials of a subscription, in the transaction that made its stages. What was told stays told; what was not and
 * follows no more is forgotten. An end that is set when it is there already needs no reminder.
 */
export async function noteTrials(
  tx: SqlExecutor,
  subscription: Pick<SubscriptionRecord, 'id' | 'stages' | 'endsAtMs'>,
  nowMs: number,
  tenant: string,
): Promise<void> {
  const rows = trialNotices(subscription).map(({ kind, trialUntilMs, dueMs, outcome }) => ({
    kind,
    trial_until: new Date(trialUntilMs),
    due_at: new Date(dueMs),
    outcome,
  }));
  await tx.query(
    `delete from trial_notice n where n.subscription = $2 and n.told_at is null and n.tenant = $3 and not exists (
       select from jsonb_to_recordset($1::jsonb) as d (kind text, trial_until timestamptz)
       where d.kind = n.kind and d.trial_until = n.trial_until)`,
    [JSON.stringify(rows), subscription.id, tenant],
  );
  if (rows.length === 0) return;
  await tx.query(
    `insert into trial_notice (tenant, subscription, kind, trial_until, due_at, outcome)
     select $3, $2, kind, trial_until, due_at, outcome
     from jsonb_to_recordset($1::jsonb) as d (kind text, trial_until timestamptz, due_at timestamptz, outcome text)
     where kind = 'ended' or trial_until > $4::timestamptz
       or exists (select from trial_notice n where n.subscription = $2 and n.kind = d.kind and n.trial_until = d.trial_until and n.tenant = $3)
     on conflict (tenant, subscription, kind, trial_until)
     do update set due_at = excluded.due_at, outcome = excluded.outcome where trial_notice.told_at is null`,
    [JSON.stringify(rows), subscription.id, tenant, new Date(nowMs)],
  );
}

/** Whether the customer has, had or will have a trial of the plan. One that was called off before it began is none. */
export async function hadTrial(db: SqlExecutor, customer: string, plan: string, tenant: string): Promise<boolean> {
  const rows = await db.query(
    `select 1 from subscription s join subscription_stage st on st.subscription = s.id and st.tenant = s.tenant
     where s.customer = $1 and st.plan = $2 and st.trial_reminds_at is not null
       and (s.ends_at is null or st.from_at <= s.ends_at) and s.tenant = $3 limit 1`,
    [customer, plan, tenant],
  );
  return rows.length > 0;
}
