import type { SqlExecutor, SubscriptionRecord, SubscriptionUpdate, UpdateRefusal } from '@meterline/pipeline/ports';
import { updateSubscription } from './subscription-changes.ts';
import { tellChanged } from './subscription-message.ts';
import { SUBSCRIPTION_COLUMNS, subscriptionRecord, type SubscriptionRow } from './subscription-rows.ts';
import { noteTrials } from './trial-notices.ts';
import { wakeCustomer } from './wake-customer.ts';

export async function subscriptionById(db: SqlExecutor, id: string, tenant: string): Promise<SubscriptionRecord | undefined> {
  const rows = await db.query<SubscriptionRow>(
    `select ${SUBSCRIPTION_COLUMNS} from subscription s where s.id = $1 and s.tenant = $2`,
    [id, tenant],
  );
  return rows.map(subscriptionRecord)[0];
}

/** Makes an update with all that goes with it, or answers why not. An overlap is thrown, as by then it is written. */
export async function applyUpdate(
  tx: SqlExecutor,
  update: SubscriptionUpdate,
  nowMs: number,
  tenant: string,
): Promise<SubscriptionRecord | Exclude<UpdateRefusal, 'overlaps'>> {
  const refusal = await updateSubscription(tx, update, nowMs, tenant);
  if (refusal !== null) return refusal;
  const after = await subscriptionById(tx, update.subscription, tenant);
  if (after === undefined) throw new Error(`subscription ${update.subscription} is gone`);
  await noteTrials(tx, after, nowMs, tenant);
  await wakeCustomer(tx, after.customer, tenant);
  const { id = null, kind = 'withdrawal' } = update.change ?? {};
  await tellChanged(tx, after, { id, kind, withdraws: update.withdraws }, nowMs, tenant);
  return after;
}
