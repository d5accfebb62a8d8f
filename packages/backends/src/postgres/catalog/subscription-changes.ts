import type {
  StageRecord,
  SubscriptionChangeRecord,
  SqlExecutor,
  SubscriptionUpdate,
  TrialFacts,
  UpdateRefusal,
} from '@meterline/pipeline/ports';
import { dateOrNull, epochMsOrNull } from './rows.ts';
import type { ChangeDetails } from './subscription-rows.ts';
import { hadTrial } from './trial-notices.ts';

type ChangeDraft = Omit<SubscriptionChangeRecord, 'createdAtMs' | 'withdrawnAtMs'>;

/** Makes the update, or answers why not. Whoever comes second of two that were decided by one version is refused. */
export async function updateSubscription(
  tx: SqlExecutor,
  update: SubscriptionUpdate,
  nowMs: number,
  tenant: string,
): Promise<Exclude<UpdateRefusal, 'overlaps'> | null> {
  const { subscription, change, stages } = update;
  const [locked] = await tx.query<{ customer: string; version: number }>(
    'select customer, version from subscription where id = $1 and tenant = $2 for update',
    [subscription, tenant],
  );
  if (locked?.version !== update.version) return 'changed';
  // As for a new subscription: the customer's plans, and the alert rules of the plans, are looked at by one after the other.
  const facts = await lockCustomer(tx, locked.customer, tenant);
  if (update.trial && !(await stillHolds(tx, facts, update.trial, tenant))) return 'changed';
  await tx.query('select key from plan where key = any($1::text[]) and tenant = $2 order by key for share', [
    stages.map(({ plan }) => plan),
    tenant,
  ]);
  const invoicedMs = await invoicedThroughMs(tx, subscription, tenant);
  if ((invoicedMs ?? -Infinity) > update.fromMs) return 'invoiced';
  if (update.billedThroughMs !== undefined && invoicedMs !== update.billedThroughMs) return 'changed';
  await withdrawChanges(tx, update.withdraws, nowMs, tenant);
  if (change !== null) await insertChange(tx, change, nowMs, tenant);
  await tx.query('delete from subscription_stage where subscription = $1 and tenant = $2', [subscription, tenant]);
  await insertStages(tx, subscription, stages, tenant);
  await tx.query('update subscription set ends_at = $1, version = version + 1 where id = $2 and tenant = $3', [
    dateOrNull(update.endsAtMs),
    subscription,
    tenant,
  ]);
  if (!(await overlaps(tx, subscription, update.fromMs, tenant))) return null;
  throw new Overlap();
}

interface LockedCustomer {
  readonly key: string;
  readonly payment_method: string | null;
}

/** Whatever begins for a customer goes one after the other. */
export async function lockCustomer(tx: SqlExecutor, key: string, tenant: string): Promise<LockedCustomer | undefined> {
  const [row] = await tx.query<LockedCustomer>(
    'select key, payment_method from customer where key = $1 and tenant = $2 for update',
    [key, tenant],
  );
  return row;
}

/** Whether a trial of a plan would still be decided by the same of its customer. */
export async function stillHolds(
  tx: SqlExecutor,
  customer: LockedCustomer | undefined,
  decidedBy: TrialFacts & { readonly plan: string },
  tenant: string,
): Promise<boolean> {
  if (customer === undefined || (customer.payment_method !== null) !== decidedBy.hasPaymentMethod) return false;
  return (await hadTrial(tx, customer.key, decidedBy.plan, tenant)) === decidedBy.hadTrial;
}

/** Found when all is written, which it undoes. */
export class Overlap extends Error {
  override readonly name = 'Overlap';
}

/** Whether another subscription of the customer is under the same plan on a day that changes. */
export async function overlaps(tx: SqlExecutor, subscription: string, fromMs: number, tenant: string): Promise<boolean> {
  const span = (stage: string, of: string) =>
    `tstzrange(${stage}.from_at, greatest(${stage}.from_at, coalesce(least(${stage}.until_at, ${of}.ends_at + interval '1 ms'), 'infinity')))`;
  const found = await tx.query(
    `select 1 from subscription s join subscription_stage st on st.subscription = s.id and st.tenant = s.tenant
     join subscription o on o.customer = s.customer and o.id <> s.id and o.tenant = s.tenant
     join subscription_stage ot on ot.subscription = o.id and ot.plan = st.plan and ot.tenant = o.tenant
     where s.id = $1 and s.tenant = $2 and ${span('st', 's')} * ${span('ot', 'o')} && tstzrange($3::timestamptz, null) limit 1`,
    [subscription, tenant, new Date(fromMs)],
  );
  return found.length > 0;
}

/** End of the last invoiced period; null: none is. */
export async function invoicedThroughMs(tx: SqlExecutor, subscription: string, tenant: string): Promise<number | null> {
  const [row] = await tx.query<{ through: string | null }>(
    `select max(period_to) as through from invoice where subscription = $1 and kind = 'period' and tenant = $2`,
    [subscription, tenant],
  );
  return epochMsOrNull(row?.through ?? null);
}

export async function withdrawChanges(tx: SqlExecutor, ids: readonly string[], nowMs: number, tenant: string): Promise<void> {
  if (ids.length === 0) return;
  await tx.query(
    'update subscription_change set withdrawn_at = $1 where withdrawn_at is null and id = any($2::text[]) and tenant = $3',
    [new Date(nowMs), ids, tenant],
  );
}

export async function insertChange(tx: SqlExecutor, change: ChangeDraft, nowMs: number, tenant: string): Promise<void> {
  const { id, subscription, seq, kind, fromMs, untilMs, terms, phasing, amends, quantities, fee, paysWhole, anew, byVendor } =
    change;
  const details: ChangeDetails = { terms, phasing, amends, quantities, fee, paysWhole, anew, byVendor };
  await tx.query(
    `insert into subscription_change (id, subscription, seq, kind, from_at, until_at, details, created_at, tenant)
     values ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $9)`,
    [id, subscription, seq, kind, new Date(fromMs), dateOrNull(untilMs), JSON.stringify(details), new Date(nowMs), tenant],
  );
}

export async function insertStages(
  tx: SqlExecutor,
  subscription: string,
  stages: readonly StageRecord[],
  tenant: string,
): Promise<void> {
  const rows = stages.map(({ fromMs, untilMs, endsAtMs, plan, planVersion, commitment, phase, ...stage }) => ({
    from_at: new Date(fromMs),
    until_at: dateOrNull(untilMs),
    ends_at: dateOrNull(endsAtMs),
    plan,
    plan_version: planVersion,
    commitment,
    phase: phase?.key ?? null,
    phase_until: dateOrNull(phase?.untilMs ?? null),
    trial_reminds_at: dateOrNull(phase?.remindsAtMs ?? null),
    quantities: stage.quantities,
    paused: stage.paused,
    pays_whole: stage.paysWhole,
    anew: stage.anew,
    change_fees: stage.changeFees,
    change: stage.change,
  }));
  await tx.query(
    `insert into subscription_stage (tenant, subscription, from_at, until_at, ends_at, plan, plan_version, commitment, phase, phase_until,
       trial_reminds_at, quantities, paused, pays_whole, anew, change_fees, change)
     select $3, $2, from_at, until_at, ends_at, plan, plan_version, nullif(commitment, 'null'::jsonb), phase, phase_until,
       trial_reminds_at, quantities, paused, pays_whole, anew, change_fees, change
     from jsonb_to_recordset($1::jsonb) as st (from_at timestamptz, until_at timestamptz, ends_at timestamptz, plan text, plan_version integer,
       commitment jsonb, phase text, phase_until timestamptz, trial_reminds_at timestamptz, quantities jsonb, paused boolean,
       pays_whole boolean, anew boolean, change_fees jsonb, change text)`,
    [JSON.stringify(rows), subscription, tenant],
  );
}
