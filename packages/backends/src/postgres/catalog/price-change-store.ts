import type { PriceChange } from '@meterline/domain/price-versions';
import type { Modifiers, Price } from '@meterline/domain/prices';
import type { Database, PlanVersionKey, PriceChangeStore, SqlExecutor } from '@meterline/pipeline/ports';
import { lockIssuing } from '../invoices/issuing.ts';
import { epochMs } from './rows.ts';

interface PriceChangeRow {
  readonly revision: number;
  readonly rate_card: string;
  readonly valid_from: string;
  readonly known_since: string;
  readonly price: Price;
  readonly modifiers: Modifiers | null;
}

const change = (row: PriceChangeRow): PriceChange => ({
  revision: row.revision,
  rateCard: row.rate_card,
  validFromMs: epochMs(row.valid_from),
  knownSinceMs: epochMs(row.known_since),
  price: row.price,
  modifiers: row.modifiers,
});

export function priceChangeStore(db: Database): PriceChangeStore {
  return {
    insert: (draft, nowMs, tenant) =>
      db.transaction(async (tx) => {
        await lockIssuing(tx, tenant);
        // As for a new alert rule: nobody subscribes between our look at the subscriptions and our commit.
        await tx.query('select key from plan where key = $1 and tenant = $2 for no key update', [draft.plan, tenant]);
        const throughMs = await invoicedThroughMs(tx, draft, tenant);
        if (!draft.isCorrection && throughMs > draft.validFromMs) return { refused: 'invoiced', throughMs };
        const [next] = await tx.query<{ revision: number }>(
          `update plan_version set price_revision = price_revision + 1
           where plan = $1 and version = $2 and price_revision = $3 and tenant = $4 returning price_revision as revision`,
          [draft.plan, draft.version, draft.afterRevision, tenant],
        );
        if (next === undefined) return { refused: 'outdated' };
        const rows = await tx.query<PriceChangeRow>(
          `insert into price_change (plan, plan_version, revision, rate_card, valid_from, known_since, price, modifiers, tenant)
           select $1, $2::integer, $3::integer, $4, $5::timestamptz, greatest($6::timestamptz, (
             select max(known_since) from price_change where plan = $1 and plan_version = $2::integer and tenant = $9
           )), $7::jsonb, $8::jsonb, $9 returning *`,
          [
            draft.plan,
            draft.version,
            next.revision,
            draft.rateCard,
            new Date(draft.validFromMs),
            new Date(nowMs),
            JSON.stringify(draft.price),
            draft.modifiers === null ? null : JSON.stringify(draft.modifiers),
            tenant,
          ],
        );
        await wakeSubscribers(tx, draft, tenant);
        const [inserted] = rows.map(change);
        if (inserted === undefined) throw new Error('a price change was not inserted');
        return inserted;
      }),

    upTo: (version, revision, tenant) => priceChangesUpTo(db, version, revision, tenant),
  };
}

export async function priceChangesUpTo(
  db: SqlExecutor,
  { plan, version }: PlanVersionKey,
  revision: number,
  tenant: string,
): Promise<PriceChange[]> {
  const rows = await db.query<PriceChangeRow>(
    `select revision, rate_card, valid_from, known_since, price, modifiers from price_change
     where plan = $1 and plan_version = $2 and revision <= $3 and tenant = $4 order by revision`,
    [plan, version, revision, tenant],
  );
  return rows.map(change);
}

/** The latest end of an invoiced period of the plan version, or of what interim invoices billed of one; or 0. */
async function invoicedThroughMs(tx: SqlExecutor, { plan, version }: PlanVersionKey, tenant: string): Promise<number> {
  const [row] = await tx.query<{ through: string | null }>(
    `select max(coalesce(i.usage_to, i.period_to)) as through from subscription_stage st
       join invoice i on i.subscription = st.subscription and i.tenant = st.tenant
       and i.period_to > st.from_at and (st.until_at is null or i.period_from < st.until_at)
     where st.plan = $1 and st.plan_version = $2 and i.kind in ('period', 'interim') and st.tenant = $3`,
    [plan, version, tenant],
  );
  return row?.through == null ? 0 : epochMs(row.through);
}

/** Spend may be beyond a level at the new price: without usage to come, only this row makes rating look. */
async function wakeSubscribers(tx: SqlExecutor, { plan, version }: PlanVersionKey, tenant: string): Promise<void> {
  await tx.query(
    `insert into rating_wakeup (customers, tenant)
     select jsonb_agg(customer), $3 from (
       select distinct s.customer from subscription_stage st join subscription s on s.id = st.subscription and s.tenant = st.tenant
       where st.plan = $1 and st.plan_version = $2 and st.tenant = $3
     ) looked_at having count(*) > 0`,
    [plan, version, tenant],
  );
}
