import { alertMessage } from '@meterline/pipeline/alerts';
import { entitlementMessage } from '@meterline/pipeline/entitlements';
import type {
  AlertOccurrence,
  Database,
  EntitlementOccurrence,
  FiredLevel,
  Occurrence,
  SqlExecutor,
  Wakeup,
  WakeupStore,
} from '@meterline/pipeline/ports';
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

    async entitled(subjects, customers, tenant) {
      const rows = await db.query<{ key: string }>(
        `select key from (
           select customer as key from customer_subject where subject = any($1::text[]) and tenant = $3
           union select unnest($2::text[])
         ) touched where exists (select from feature where tenant = $3) order by key`,
        [subjects, customers, tenant],
      );
      return rows.map(({ key }) => key);
    },

    async invoicedByThreshold(subjects, customers, tenant) {
      const rows = await db.query<{ key: string }>(
        `select key from (
           select customer as key from customer_subject where subject = any($1::text[]) and tenant = $3
           union select unnest($2::text[])
         ) touched where exists (select from plan_version where invoice_thresholds is not null and tenant = $3) and exists (
           select from subscription s join subscription_stage st on st.subscription = s.id and st.tenant = s.tenant
             join plan_version v on v.plan = st.plan and v.version = st.plan_version and v.tenant = st.tenant
           where s.customer = touched.key and v.invoice_thresholds is not null and s.tenant = $3) order by key`,
        [subjects, customers, tenant],
      );
      return rows.map(({ key }) => key);
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
        const alerts = occurrences.filter((occurrence): occurrence is AlertOccurrence => !isOfEntitlement(occurrence));
        const levels = occurrences.filter(isOfEntitlement);
        const ids = new Set([...(await insertAlerts(tx, alerts, tenant)), ...(await insertLevels(tx, levels, tenant))]);
        const fresh = occurrences.filter((occurrence) => ids.has(occurrence.id));
        for (const occurrence of fresh) {
          const message = isOfEntitlement(occurrence) ? entitlementMessage(occurrence, tenant) : alertMessage(occurrence, tenant);
          await enqueueMessage(tx, message);
        }
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

function isOfEntitlement(occurrence: Occurrence): occurrence is EntitlementOccurrence {
  return 'feature' in occurrence;
}

/** Answers the ids of those that are new. Both inserts go by id: two workers that keep the same ones in different orders would wait for each other. */
async function insertAlerts(tx: SqlExecutor, occurrences: readonly AlertOccurrence[], tenant: string): Promise<string[]> {
  if (occurrences.length === 0) return [];
  const rows = await tx.query<{ id: string }>(
    `insert into alert_occurrence
       (id, rule, customer, period_from, period_to, threshold, threshold_amount, spend, currency, cut, triggered_at, tenant)
     select id, rule, customer, period_from, period_to, threshold, threshold_amount, spend, currency, cut, triggered_at, $2
     from jsonb_to_recordset($1::jsonb) as o (id text, rule text, customer text, period_from timestamptz, period_to timestamptz,
       threshold text, threshold_amount numeric, spend numeric, currency text, cut jsonb, triggered_at timestamptz)
     order by id on conflict do nothing returning id`,
    [JSON.stringify(occurrences.map(alertColumns)), tenant],
  );
  return rows.map(({ id }) => id);
}

async function insertLevels(tx: SqlExecutor, occurrences: readonly EntitlementOccurrence[], tenant: string): Promise<string[]> {
  if (occurrences.length === 0) return [];
  const rows = await tx.query<{ id: string }>(
    `insert into entitlement_occurrence
       (id, customer, feature, period_from, period_to, percent, usage_limit, used, triggered_at, tenant)
     select id, customer, feature, period_from, period_to, percent, usage_limit, used, triggered_at, $2
     from jsonb_to_recordset($1::jsonb) as o (id text, customer text, feature text, period_from timestamptz, period_to timestamptz,
       percent integer, usage_limit numeric, used numeric, triggered_at timestamptz)
     order by id on conflict do nothing returning id`,
    [JSON.stringify(occurrences.map(levelColumns)), tenant],
  );
  return rows.map(({ id }) => id);
}

function levelColumns({ id, customer, feature, percent, limit, used, ...occurrence }: EntitlementOccurrence) {
  return {
    ...{ id, customer, feature, percent, used, usage_limit: limit },
    period_from: new Date(occurrence.periodFromMs),
    period_to: new Date(occurrence.periodToMs),
    triggered_at: new Date(occurrence.triggeredAtMs),
  };
}

function alertColumns(occurrence: AlertOccurrence) {
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
