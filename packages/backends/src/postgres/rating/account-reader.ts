import type { PlanFeature } from '@meterline/domain/entitlements';
import type { InvoiceThresholds, UnusedTime } from '@meterline/domain/invoices';
import type { PlanPhase } from '@meterline/domain/phases';
import type { RateCard } from '@meterline/domain/prices';
import type { BillingCadence } from '@meterline/domain/subscriptions';
import type { Account, AccountReader, PrepaidReader, SqlExecutor, SubscriptionTerms } from '@meterline/pipeline/ports';
import { pricedIn, stretchesOf } from '@meterline/pipeline/subscription-changes';
import { priceChangesUpTo } from '../catalog/price-change-store.ts';
import { NEGOTIATED_REVISION } from '../catalog/customer-store.ts';
import { negotiationsOf } from '../catalog/negotiated-price-store.ts';
import { epochMs, epochMsOrNull } from '../catalog/rows.ts';
import { stageRecord, type StageRow } from '../catalog/subscription-rows.ts';

interface CustomerRow {
  readonly key: string;
  readonly name: string;
  readonly currency: string;
  readonly timezone: string;
  readonly subjects: string[];
  readonly negotiated_revision: number;
}

/** A stage with its subscription and the plan version it is under. */
interface PlannedStageRow extends StageRow {
  readonly id: string;
  readonly customer: string;
  readonly version: number;
  readonly starts_at: string;
  readonly subscription_ends_at: string | null;
  readonly price_revision: number;
  readonly currency: string;
  readonly billing_period: BillingCadence;
  readonly rate_cards: RateCard[];
  readonly features: PlanFeature[];
  readonly phases: PlanPhase[];
  readonly unused_time: UnusedTime;
  readonly invoice_thresholds: InvoiceThresholds | null;
}

function stretches(rows: readonly PlannedStageRow[]): SubscriptionTerms[] {
  const [first] = rows;
  if (first === undefined) return [];
  const { id, version, starts_at, subscription_ends_at } = first;
  return stretchesOf(
    { id, version, startsAtMs: epochMs(starts_at), endsAtMs: epochMsOrNull(subscription_ends_at) },
    rows.map((row) => ({
      ...stageRecord(row),
      currency: row.currency,
      cadence: row.billing_period,
      rateCards: row.rate_cards,
      features: row.features,
      phases: row.phases,
      unusedTime: row.unused_time,
      invoiceThresholds: row.invoice_thresholds,
      priceRevision: row.price_revision,
    })),
  );
}

export function accountReader(db: SqlExecutor): Omit<AccountReader, keyof PrepaidReader> {
  return {
    async accounts(customers, tenant): Promise<Account[]> {
      const customerRows = await db.query<CustomerRow>(
        `select key, name, currency, timezone, (
           select coalesce(jsonb_agg(s.subject order by s.subject collate "C"), '[]') from customer_subject s
           where s.customer = c.key and s.tenant = c.tenant
         ) as subjects, ${NEGOTIATED_REVISION} as negotiated_revision
         from customer c where key = any($1::text[]) and tenant = $2 order by key`,
        [customers, tenant],
      );
      const stageRows = await db.query<PlannedStageRow>(
        `select s.id, s.customer, s.version, s.starts_at, s.ends_at as subscription_ends_at, st.*, p.currency, p.billing_period, v.rate_cards,
           v.features, v.phases, v.unused_time, v.invoice_thresholds, v.price_revision
         from subscription s
         join subscription_stage st on st.tenant = s.tenant and st.subscription = s.id
         join plan p on p.tenant = st.tenant and p.key = st.plan
         join plan_version v on v.tenant = st.tenant and v.plan = st.plan and v.version = st.plan_version
         where s.customer = any($1::text[]) and s.tenant = $2 order by s.starts_at, s.id, st.from_at`,
        [customers, tenant],
      );
      const byCustomer = Map.groupBy(stageRows, (row) => row.customer);
      const subscriptionsOf = (customer: string) =>
        [...Map.groupBy(byCustomer.get(customer) ?? [], ({ id }) => id).values()].flatMap(stretches);
      return customerRows.map(({ negotiated_revision: revision, ...row }) => ({
        ...row,
        subscriptions: subscriptionsOf(row.key),
        negotiated: { customer: row.key, revision },
      }));
    },

    async pricesOf({ plan, version }, phase, tenant) {
      const [row] = await db.query<Pick<PlannedStageRow, 'rate_cards' | 'phases' | 'invoice_thresholds' | 'price_revision'>>(
        'select rate_cards, phases, invoice_thresholds, price_revision from plan_version where plan = $1 and version = $2 and tenant = $3',
        [plan, version, tenant],
      );
      if (row === undefined) throw new Error(`plan ${plan} has no version ${version}`);
      const { rate_cards: rateCards, phases, invoice_thresholds: invoiceThresholds, price_revision: priceRevision } = row;
      return pricedIn(phase, { rateCards, features: [], phases, invoiceThresholds, priceRevision });
    },

    priceChanges: (version, revision, tenant) => priceChangesUpTo(db, version, revision, tenant),
    negotiations: (known, tenant) => negotiationsOf(db, known, tenant),
  };
}
