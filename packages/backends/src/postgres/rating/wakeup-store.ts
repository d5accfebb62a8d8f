import { alertMessage } from '@meterline/pipeline/alerts';
import type { Database, FiredLevel, Wakeup, WakeupStore } from '@meterline/pipeline/ports';
import { enqueueMessage } from '../webhooks/index.ts';
import { type RuleRow, rule } from './alert-rule-store.ts';

/** Rows taken by one worker are left to it for this long after it last took them; if it died, others take them then. */
const CLAIM_SECONDS = 10;

/** `worker`: the name of this process among several, so that they share the rows; without one, all rows are its own. */
export function wakeupStore(db: Database, worker?: string): WakeupStore {
  return {
    async waiting(limit, exceptTenants) {
      if (worker !== undefined) return claim(db, { limit, exceptTenants, worker });
      return db.query<Wakeup>(
        'select id, tenant, subjects, customers from rating_wakeup where tenant <> all($2::text[]) order by id limit $1',
        [limit, exceptTenants],
      );
    },

    async backlog() {
      const [row] = await db.query<{ rows: string; age_ms: string | null }>(
        `select count(*) as rows, (extract(epoch from clock_timestamp() - min(created_at)) * 1000)::bigint as age_ms from rating_wakeup`,
      );
      return { rows: Number(row?.rows ?? 0), oldestAgeMs: Number(row?.age_ms ?? 0) };
    },

    async watched(subjects, customers, tenant) {
      const rows = await db.query<RuleRow & { watched: string }>(
        `with touched as (
           select customer as key from customer_subject where subject = any($1::text[]) and tenant = $3
           union select unnest($2::text[])
         ), watch as (
           select t.key as watched, r.key as rule from touched t
           join alert_rule r on r.customer = t.key and r.tenant = $3
           union
           select t.key, r.key from touched t
           join subscription s on s.customer = t.key and s.tenant = $3
           join subscription_stage st on st.subscription = s.id and st.tenant = $3
           join alert_rule r on r.plan = st.plan and r.tenant = $3
         )
         select w.watched, r.* from watch w join alert_rule r on r.key = w.rule and r.tenant = $3
         where r.archived_at is null order by w.watched, r.key`,
        [subjects, customers, tenant],
      );
      const byCustomer = Map.groupBy(rows, (row) => row.watched);
      return [...byCustomer].map(([customer, ruleRows]) => ({ customer, rules: ruleRows.map(rule) }));
    },

    async fired(rules, customers, sinceMs, tenant) {
      const rows = await db.query<{ rule: string; customer: string; period_from: string; threshold: string }>(
        `select rule, customer, period_from, threshold from alert_occurrence
         where rule = any($1::text[]) and customer = any($2::text[]) and period_to > $3 and tenant = $4`,
        [rules, customers, new Date(sinceMs), tenant],
      );
      return rows.map(({ period_from, ...row }): FiredLevel => ({ ...row, periodFromMs: Date.parse(period_from) }));
    },

    conclude(occurrences, consumed, tenant) {
      return db.transaction(async (tx) => {
        const inserted = await tx.query<{ id: string }>(
          `insert into alert_occurrence
             (id, rule, customer, period_from, period_to, threshold, threshold_amount, spend, currency, cut, triggered_at, tenant)
           select id, rule, customer, period_from, period_to, threshold, threshold_amount, spend, currency, cut, triggered_at, $2
           from jsonb_to_recordset($1::jsonb) as o (id text, rule text, customer text, period_from timestamptz, period_to timestamptz,
             threshold text, threshold_amount numeric, spend numeric, currency text, cut jsonb, triggered_at timestamptz)
           -- two workers that keep the same ones in different orders would wait for each other
           order by id
           on conflict do nothing returning id`,
          [JSON.stringify(occurrences.map(occurrenceColumns)), tenant],
        );
        const ids = new Set(inserted.map((row) => row.id));
        const fresh = occurrences.filter((occurrence) => ids.has(occurrence.id));
        for (const occurrence of fresh) await enqueueMessage(tx, alertMessage(occurrence, tenant));
        await tx.query(
          `delete from rating_wakeup where id in (
             select id from rating_wakeup where id = any($1::bigint[]) and tenant = $2 order by id for update)`,
          [consumed, tenant],
        );
        return fresh;
      });
    },
  };
}

interface ClaimRequest {
  readonly limit: number;
  readonly exceptTenants: readonly string[];
  readonly worker: string;
}

/** Claims spare work done twice; that an alert fires once never depends on them. */
async function claim(db: Database, { limit, exceptTenants, worker }: ClaimRequest): Promise<Wakeup[]> {
  const rows = await db.query<Wakeup>(
    `with free as (
       select id from rating_wakeup
       where tenant <> all($2::text[]) and (claimed_by is null or claimed_by = $3 or claimed_until < clock_timestamp())
       order by id limit $1 for update skip locked
     )
     update rating_wakeup set claimed_by = $3, claimed_until = clock_timestamp() + make_interval(secs => $4)
     from free where rating_wakeup.id = free.id
     returning rating_wakeup.id, tenant, subjects, customers`,
    [limit, exceptTenants, worker, CLAIM_SECONDS],
  );
  return rows.toSorted((one, other) => Number(BigInt(one.id) - BigInt(other.id)));
}

function occurrenceColumns(occurrence: Parameters<WakeupStore['conclude']>[0][number]) {
  return {
    id: occurrence.id,
    rule: occurrence.rule,
    customer: occurrence.customer,
    period_from: new Date(occurrence.periodFromMs),
    period_to: new Date(occurrence.periodToMs),
    threshold: occurrence.threshold,
    threshold_amount: occurrence.thresholdAmount,
    spend: occurrence.spend,
    currency: occurrence.currency,
    cut: occurrence.cut,
    triggered_at: new Date(occurrence.triggeredAtMs),
  };
}
