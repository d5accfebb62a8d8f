import type {
  CustomerRecord,
  CustomerRefusal,
  CustomerStore,
  CustomerTrials,
  Database,
  SqlExecutor,
} from '@meterline/pipeline/ports';
import { epochMs, pageOf } from './rows.ts';
import { Overlap } from './subscription-changes.ts';
import { applyUpdate } from './subscription-update.ts';
import { wakeCustomer } from './wake-customer.ts';

interface CustomerRow {
  readonly key: string;
  readonly name: string;
  readonly currency: string;
  readonly timezone: string;
  readonly subjects: string[];
  readonly payment_method: string | null;
  readonly negotiated_revision: number;
  readonly created_at: string;
}

/** Of the newest price, or end of one, that was negotiated with the customer `c`; 0: none. */
export const NEGOTIATED_REVISION = `coalesce((
  select max(n.revision) from negotiated_price n where n.customer = c.key and n.tenant = c.tenant), 0)`;

const SELECT = `select c.key, c.name, c.currency, c.timezone, c.payment_method, c.created_at, ${NEGOTIATED_REVISION} as negotiated_revision, array(
  select s.subject from customer_subject s where s.customer = c.key and s.tenant = c.tenant order by s.subject) as subjects
  from customer c`;

const record = (row: CustomerRow): CustomerRecord => ({
  key: row.key,
  name: row.name,
  currency: row.currency,
  timezone: row.timezone,
  subjects: row.subjects,
  paymentMethod: row.payment_method,
  negotiatedRevision: row.negotiated_revision,
  createdAtMs: epochMs(row.created_at),
});

/** Ends a transaction without a trace: what it meant to do is refused. */
class Refused extends Error {
  readonly refusal: CustomerRefusal;
  constructor(refusal: CustomerRefusal) {
    super(refusal.refused);
    this.refusal = refusal;
  }
}

async function byKey(db: SqlExecutor, key: string, tenant: string): Promise<CustomerRecord | undefined> {
  const rows = await db.query<CustomerRow>(`${SELECT} where c.key = $1 and c.tenant = $2`, [key, tenant]);
  return rows.map(record)[0];
}

async function addSubjects(tx: SqlExecutor, customer: string, subjects: readonly string[], tenant: string): Promise<void> {
  const added = await tx.query<{ subject: string }>(
    `insert into customer_subject (subject, customer, tenant) select subject, $2, $3 from unnest($1::text[]) as subject
     -- two customers that claim the same subjects in different orders would wait for each other
     order by subject
     on conflict (tenant, subject) do nothing returning subject`,
    [subjects, customer, tenant],
  );
  const free = new Set(added.map((row) => row.subject));
  const taken = subjects.filter((subject) => !free.has(subject));
  if (taken.length > 0) throw new Refused({ refused: 'subjects_taken', subjects: taken });
}

/** What a payment method means for trials, unless they were looked at before a subscription began or changed. */
async function updateTrials(
  tx: SqlExecutor,
  customer: string,
  { versions, updates, nowMs }: CustomerTrials,
  tenant: string,
): Promise<void> {
  const now = await tx.query<{ id: string; version: number }>(
    'select id, version from subscription where customer = $1 and tenant = $2',
    [customer, tenant],
  );
  const known = new Map(versions.map(({ subscription, version }) => [subscription, version]));
  if (now.length !== known.size || now.some(({ id, version }) => known.get(id) !== version))
    throw new Refused({ refused: 'outdated' });
  for (const update of updates) {
    const result = await applyUpdate(tx, update, nowMs, tenant);
    if (typeof result === 'string') throw new Refused({ refused: 'outdated' });
  }
}

export function customerStore(db: Database): CustomerStore {
  /** Runs `write` in a transaction and answers the customer as it then is, or why it was refused. */
  async function changing(
    key: string,
    tenant: string,
    write: (tx: SqlExecutor) => Promise<void>,
  ): Promise<CustomerRecord | CustomerRefusal> {
    try {
      return await db.transaction(async (tx) => {
        await write(tx);
        await wakeCustomer(tx, key, tenant);
        return (await byKey(tx, key, tenant)) ?? { refused: 'unknown' };
      });
    } catch (error) {
      if (error instanceof Refused) return error.refusal;
      if (error instanceof Overlap) return { refused: 'overlaps' };
      throw error;
    }
  }

  return {
    byKey: (key, tenant) => byKey(db, key, tenant),

    insert: (draft, nowMs, tenant) =>
      changing(draft.key, tenant, async (tx) => {
        const inserted = await tx.query(
          `insert into customer (key, name, currency, timezone, payment_method, created_at, tenant) values ($1, $2, $3, $4, $5, $6, $7)
           on conflict (tenant, key) do nothing returning key`,
          [draft.key, draft.name, draft.currency, draft.timezone, draft.paymentMethod ?? null, new Date(nowMs), tenant],
        );
        if (inserted.length === 0) throw new Refused({ refused: 'key_taken' });
        await addSubjects(tx, draft.key, draft.subjects, tenant);
      }),

    update: (key, change, tenant) =>
      changing(key, tenant, async (tx) => {
        // Before the customer, as whoever changes a subscription locks them in this order.
        if (change.trials)
          await tx.query('select id from subscription where customer = $1 and tenant = $2 order by id for update', [key, tenant]);
        // Locked against a subscription that begins meanwhile: its foreign key waits for this row.
        const [before] = await tx.query<{ timezone: string }>(
          'select timezone from customer where key = $1 and tenant = $2 for update',
          [key, tenant],
        );
        if (before === undefined) throw new Refused({ refused: 'unknown' });
        if (change.timezone !== undefined && change.timezone !== before.timezone) {
          const subscribed = await tx.query('select id from subscription where customer = $1 and tenant = $2 limit 1', [
            key,
            tenant,
          ]);
          if (subscribed.length > 0) throw new Refused({ refused: 'timezone_in_use' });
        }
        await tx.query(
          'update customer set name = coalesce($1, name), timezone = coalesce($2, timezone) where key = $3 and tenant = $4',
          [change.name ?? null, change.timezone ?? null, key, tenant],
        );
        if (change.paymentMethod !== undefined)
          await tx.query('update customer set payment_method = $1 where key = $2 and tenant = $3', [
            change.paymentMethod,
            key,
            tenant,
          ]);
        if (change.trials) await updateTrials(tx, key, change.trials, tenant);
        if (change.subjects === undefined) return;
        await tx.query('delete from customer_subject where customer = $1 and tenant = $2', [key, tenant]);
        await addSubjects(tx, key, change.subjects, tenant);
      }),

    async page(request, tenant) {
      const rows = await db.query<CustomerRow>(`${SELECT} where c.key > $1 and c.tenant = $3 order by c.key limit $2`, [
        request.after ?? '',
        request.limit + 1,
        tenant,
      ]);
      return pageOf(rows, request, record, (row) => row.key);
    },
  };
}
