import { newId } from '@meterline/pipeline/ids';
import type { Database, SqlExecutor, SubscriptionDraft, SubscriptionRecord, SubscriptionStore } from '@meterline/pipeline/ports';
import { tellChanged } from './subscription-message.ts';
import { dateOrNull, pageOf } from './rows.ts';
import {
  insertChange,
  insertStages,
  invoicedThroughMs,
  lockCustomer,
  Overlap,
  overlaps,
  stillHolds,
  withdrawChanges,
} from './subscription-changes.ts';
import {
  changeRecord,
  type ChangeRow,
  SUBSCRIPTION_COLUMNS,
  subscriptionRecord,
  type SubscriptionRow,
} from './subscription-rows.ts';
import { applyUpdate, subscriptionById } from './subscription-update.ts';
import { hadTrial, noteTrials } from './trial-notices.ts';
import { wakeCustomer } from './wake-customer.ts';

export function subscriptionStore(db: Database): SubscriptionStore {
  return {
    byId: (id, tenant) => subscriptionById(db, id, tenant),

    insert: (draft, at, tenant) =>
      undone(db, async (tx) => {
        // One at a time per customer, or two requests could both find the plan free.
        const customer = await lockCustomer(tx, draft.customer, tenant);
        const { phased } = draft;
        if (phased && !(await stillHolds(tx, customer, { ...phased.trial, plan: draft.plan }, tenant))) return 'outdated';
        // An alert rule of the plan is made before us or after us: whichever comes second sees the other and wakes rating.
        await tx.query('select key from plan where key = $1 and tenant = $2 for share', [draft.plan, tenant]);
        const inserted = await tx.query(
          `insert into subscription (id, customer, starts_at, created_at, tenant, ends_at)
           select $1, $2, $4::timestamptz, $5::timestamptz, $6, $8::timestamptz where not exists (
             select from subscription s join subscription_stage st on st.subscription = s.id and st.tenant = s.tenant
             where s.customer = $2 and st.plan = $3 and (st.until_at is null or st.until_at > $7::timestamptz)
               and (s.ends_at is null or s.ends_at >= greatest($7::timestamptz, st.from_at)) and s.tenant = $6)
           returning id`,
          [
            ...[draft.id, draft.customer, draft.plan, new Date(draft.startsAtMs), new Date(at.nowMs), tenant],
            ...[new Date(at.startDayMs), dateOrNull(phased?.endsAtMs ?? null)],
          ],
        );
        if (inserted.length === 0) return 'overlaps';
        await insertStart(tx, draft, at.nowMs, tenant);
        // Where the trial does not convert there may be another plan behind it.
        if (phased && (await overlaps(tx, draft.id, draft.startsAtMs, tenant))) throw new Overlap();
        await wakeCustomer(tx, draft.customer, tenant);
        const made = await existing(tx, draft.id, tenant);
        await noteTrials(tx, made, at.nowMs, tenant);
        return made;
      }),

    end: (id, at, tenant) =>
      db.transaction(async (tx) => {
        await tx.query('select id from subscription where id = $1 and tenant = $2 for update', [id, tenant]);
        const before = await subscriptionById(tx, id, tenant);
        if (before === undefined) return 'unknown';
        if (before.endsAtMs !== null && before.endsAtMs <= at.nowMs) return 'ended';
        if (((await invoicedThroughMs(tx, id, tenant)) ?? -Infinity) > at.billedUntilMs) return 'invoiced';
        const lapsesAtMs = before.stages.at(-1)?.untilMs ?? Infinity;
        await tx.query('update subscription set ends_at = $1, version = version + 1 where id = $2 and tenant = $3', [
          new Date(Math.min(at.endsAtMs, lapsesAtMs - 1)),
          id,
          tenant,
        ]);
        const changes = await changesOf(tx, id, tenant);
        const instead = changes.filter(
          ({ kind, fromMs, withdrawnAtMs }) => kind === 'cancel' && withdrawnAtMs === null && fromMs > at.nowMs,
        );
        const overtaken = instead.map((change) => change.id);
        await withdrawChanges(tx, overtaken, at.nowMs, tenant);
        const change = {
          id: newId('chg', at.nowMs),
          subscription: id,
          seq: changes.length + 1,
          kind: 'cancel',
          fromMs: at.endsAtMs,
          untilMs: null,
        } as const;
        await insertChange(tx, change, at.nowMs, tenant);
        await wakeCustomer(tx, before.customer, tenant);
        const after = await existing(tx, id, tenant);
        await noteTrials(tx, after, at.nowMs, tenant);
        await tellChanged(tx, after, { ...change, withdraws: overtaken }, at.nowMs, tenant);
        return after;
      }),

    update: (update, nowMs, tenant) => undone(db, (tx) => applyUpdate(tx, update, nowMs, tenant)),

    hadTrial: (customer, plan, tenant) => hadTrial(db, customer, plan, tenant),

    changes: (id, tenant) => changesOf(db, id, tenant),

    async page(request, tenant) {
      const rows = await db.query<SubscriptionRow>(
        `select ${SUBSCRIPTION_COLUMNS} from subscription s where s.id > $1 and ($3::text is null or s.customer = $3) and s.tenant = $5
           and ($4::text is null or exists (
             select from subscription_stage p where p.subscription = s.id and p.plan = $4 and p.tenant = $5))
         order by s.id limit $2`,
        [request.after ?? '', request.limit + 1, request.customer ?? null, request.plan ?? null, tenant],
      );
      return pageOf(rows, request, subscriptionRecord, (row) => row.id);
    },
  };
}

/** An overlap shows when the stages are written, and takes them back. */
async function undone<T>(db: Database, write: (tx: SqlExecutor) => Promise<T>): Promise<T | 'overlaps'> {
  try {
    return await db.transaction(write);
  } catch (error) {
    if (error instanceof Overlap) return 'overlaps';
    throw error;
  }
}

async function changesOf(db: SqlExecutor, id: string, tenant: string) {
  const rows = await db.query<ChangeRow>(
    'select * from subscription_change where subscription = $1 and tenant = $2 order by seq',
    [id, tenant],
  );
  return rows.map(changeRecord);
}

async function existing(tx: SqlExecutor, id: string, tenant: string): Promise<SubscriptionRecord> {
  const found = await subscriptionById(tx, id, tenant);
  if (found === undefined) throw new Error(`subscription ${id} is gone`);
  return found;
}

async function insertStart(tx: SqlExecutor, draft: SubscriptionDraft, nowMs: number, tenant: string): Promise<void> {
  const { id: subscription, plan, planVersion, startsAtMs, commitment = null, quantities, phased } = draft;
  const id = phased?.change ?? newId('chg', nowMs);
  const change = { id, subscription, seq: 1, kind: 'start', fromMs: startsAtMs, untilMs: null } as const;
  const terms = { plan, planVersion, commitment };
  await insertChange(tx, { ...change, terms, phasing: phased?.phasing, quantities }, nowMs, tenant);
  const whole = {
    fromMs: startsAtMs,
    untilMs: null,
    endsAtMs: null,
    phase: null,
    paused: false,
    paysWhole: false,
    anew: false,
    changeFees: [],
  };
  const stages = phased?.stages ?? [{ ...whole, ...terms, quantities: quantities ?? {}, change: id }];
  await insertStages(tx, subscription, stages, tenant);
}
