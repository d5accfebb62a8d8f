import type { AlertOccurrence, AlertRuleRecord, AlertRuleStore, Cut, Database, SqlExecutor } from '@meterline/pipeline/ports';
import { epochMs, epochMsOrNull, pageOf } from '../catalog/rows.ts';

export interface RuleRow {
  readonly key: string;
  readonly customer: string | null;
  readonly plan: string | null;
  readonly budget: string | null;
  readonly thresholds: string[];
  readonly created_at: string;
  readonly archived_at: string | null;
}

interface OccurrenceRow {
  readonly id: string;
  readonly rule: string;
  readonly customer: string;
  readonly period_from: string;
  readonly period_to: string;
  readonly threshold: string;
  readonly threshold_amount: string;
  readonly budget: string | null;
  readonly spend: string;
  readonly currency: string;
  readonly cut: Cut;
  readonly triggered_at: string;
}

export const rule = (row: RuleRow): AlertRuleRecord => ({
  key: row.key,
  customer: row.customer,
  plan: row.plan,
  budget: row.budget,
  thresholds: row.thresholds,
  createdAtMs: epochMs(row.created_at),
  archivedAtMs: epochMsOrNull(row.archived_at),
});

const occurrence = (row: OccurrenceRow): AlertOccurrence => ({
  id: row.id,
  rule: row.rule,
  customer: row.customer,
  periodFromMs: epochMs(row.period_from),
  periodToMs: epochMs(row.period_to),
  threshold: row.threshold,
  thresholdAmount: row.threshold_amount,
  budget: row.budget,
  spend: row.spend,
  currency: row.currency,
  cut: row.cut,
  triggeredAtMs: epochMs(row.triggered_at),
});

export function alertRuleStore(db: Database): AlertRuleStore {
  return {
    insert(draft, nowMs, tenant) {
      return db.transaction(async (tx) => {
        if (draft.customer !== null && !(await exists(tx, 'customer', draft.customer, tenant))) return 'customer_unknown';
        if (draft.plan !== null && !(await exists(tx, 'plan', draft.plan, tenant))) return 'plan_unknown';
        const inserted = await tx.query(
          `insert into alert_rule (key, customer, plan, budget, thresholds, created_at, tenant)
           values ($1, $2, $3, $4::numeric, $5::jsonb, $6, $7) on conflict do nothing returning key`,
          [draft.key, draft.customer, draft.plan, draft.budget, JSON.stringify(draft.thresholds), new Date(nowMs), tenant],
        );
        if (inserted.length === 0) return 'key_taken';
        // Spend may be beyond a level already: without usage to come, only this row makes rating look.
        await tx.query(
          `insert into rating_wakeup (customers, tenant)
           select jsonb_agg(customer), $3 from (
             select $1::text as customer where $1 is not null
             union select s.customer from subscription_stage st join subscription s on s.id = st.subscription and s.tenant = st.tenant
             where st.plan = $2 and st.tenant = $3
           ) looked_at having count(*) > 0`,
          [draft.customer, draft.plan, tenant],
        );
        return 'inserted';
      });
    },

    async archive(key, nowMs, tenant) {
      await db.query('update alert_rule set archived_at = $2 where archived_at is null and key = $1 and tenant = $3', [
        key,
        new Date(nowMs),
        tenant,
      ]);
      return this.byKey(key, tenant);
    },

    async byKey(key, tenant) {
      const rows = await db.query<RuleRow>('select * from alert_rule where key = $1 and tenant = $2', [key, tenant]);
      return rows.map(rule)[0];
    },

    async page(request, tenant) {
      const rows = await db.query<RuleRow>('select * from alert_rule where key > $1 and tenant = $3 order by key limit $2', [
        request.after ?? '',
        request.limit + 1,
        tenant,
      ]);
      return pageOf(rows, request, rule, (row) => row.key);
    },

    async occurrences(request, tenant) {
      const rows = await db.query<OccurrenceRow>(
        `select o.*, r.budget from alert_occurrence o join alert_rule r on r.key = o.rule and r.tenant = o.tenant
         where ($1::text is null or o.customer = $1) and o.tenant = $4 and ($2::text is null or
           (o.triggered_at, o.id) < (select triggered_at, id from alert_occurrence where id = $2 and tenant = $4))
         order by o.triggered_at desc, o.id desc limit $3`,
        [request.customer ?? null, request.after, request.limit + 1, tenant],
      );
      return pageOf(rows, request, occurrence, (row) => row.id);
    },
  };
}

/** Locks what the rule looks at: nobody subscribes to the plan between our look at its subscriptions and our commit. */
async function exists(tx: SqlExecutor, table: 'customer' | 'plan', key: string, tenant: string): Promise<boolean> {
  const rows = await tx.query(`select key from ${table} where key = $1 and tenant = $2 for no key update`, [key, tenant]);
  return rows.length > 0;
}
