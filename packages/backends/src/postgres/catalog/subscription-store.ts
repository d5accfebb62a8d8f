import type { Commitment } from '@meterline/domain/commitments';
import type { Database, SqlExecutor, SubscriptionRecord, SubscriptionStore } from '@meterline/pipeline/ports';
import { wakeCustomer } from './customer-store.ts';
import { epochMs, epochMsOrNull, pageOf } from './rows.ts';

interface SubscriptionRow {
  readonly id: string;
  readonly customer: string;
  readonly plan: string;
  readonly plan_version: number;
  readonly starts_at: string;
  readonly ends_at: string | null;
  readonly commitment: Commitment | null;
  readonly created_at: string;
}

const record = (row: SubscriptionRow): SubscriptionRecord => ({
  id: row.id,
  customer: row.customer,
  plan: row.plan,
  planVersion: row.plan_version,
  startsAtMs: epochMs(row.starts_at),
  endsAtMs: epochMsOrNull(row.ends_at),
  commitment: row.commitment,
  createdAtMs: epochMs(row.created_at),
});

async function byId(
  db: SqlExecutor,
  id: string,
  tenant: string,
  lock: '' | 'for update' = '',
): Promise<SubscriptionRecord | undefined> {
  const rows = await db.query<SubscriptionRow>(`select * from subscription where id = $1 and tenant = $2 ${lock}`, [id, tenant]);
  return rows.map(record)[0];
}

export function subscriptionStore(db: Database): SubscriptionStore {
  return {
    byId: (id, tenant) => byId(db, id, tenant),

    insert: (draft, at, tenant) =>
      db.transaction(async (tx) => {
        // One at a time per customer, or two requests could both find the plan free.
        await tx.query('select key from customer where key = $1 and tenant = $2 for update', [draft.customer, tenant]);
        // An alert rule of the plan is made before us or after us: whichever comes second sees the other and wakes rating.
        await tx.query('select key from plan where key = $1 and tenant = $2 for share', [draft.plan, tenant]);
        const rows = await tx.query<SubscriptionRow>(
          `insert into subscription (id, customer, plan, plan_version, starts_at, created_at, commitment, tenant)
           select $1, $2, $3, $4::integer, $5::timestamptz, $6::timestamptz, $9::jsonb, $7 where not exists (
             select from subscription where customer = $2 and plan = $3 and
               (ends_at is null or ends_at >= greatest($8::timestamptz, starts_at)) and tenant = $7)
           returning *`,
          [
            draft.id,
            draft.customer,
            draft.plan,
            draft.planVersion,
            new Date(draft.startsAtMs),
            new Date(at.nowMs),
            tenant,
            new Date(at.startDayMs),
            draft.commitment == null ? null : JSON.stringify(draft.commitment),
          ],
        );
        if (rows.length > 0) await wakeCustomer(tx, draft.customer, tenant);
        return rows.map(record)[0];
      }),

    end: (id, at, tenant) =>
      db.transaction(async (tx) => {
        const before = await byId(tx, id, tenant, 'for update');
        if (before === undefined) return 'unknown';
        if (before.endsAtMs !== null && before.endsAtMs <= at.nowMs) return 'ended';
        const invoiced = await tx.query(
          `select id from invoice where subscription = $1 and kind = 'period' and period_to > $2 and tenant = $3 limit 1`,
          [id, new Date(at.billedUntilMs), tenant],
        );
        if (invoiced.length > 0) return 'invoiced';
        await tx.query('update subscription set ends_at = $1 where id = $2 and tenant = $3', [new Date(at.endsAtMs), id, tenant]);
        await wakeCustomer(tx, before.customer, tenant);
        return { ...before, endsAtMs: at.endsAtMs };
      }),

    async page(request, tenant) {
      const rows = await db.query<SubscriptionRow>(
        `select * from subscription where id > $1 and ($3::text is null or customer = $3) and ($4::text is null or plan = $4) and tenant = $5
         order by id limit $2`,
        [request.after ?? '', request.limit + 1, request.customer ?? null, request.plan ?? null, tenant],
      );
      return pageOf(rows, request, record, (row) => row.id);
    },
  };
}
