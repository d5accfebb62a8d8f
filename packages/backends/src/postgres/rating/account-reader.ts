import type { Commitment } from '@meterline/domain/commitments';
import type { UnusedTime } from '@meterline/domain/invoices';
import type { RateCard } from '@meterline/domain/prices';
import type { BillingCadence } from '@meterline/domain/subscriptions';
import type { Account, AccountReader, PrepaidReader, SqlExecutor, SubscriptionTerms } from '@meterline/pipeline/ports';
import { priceChangesUpTo } from '../catalog/price-change-store.ts';

interface CustomerRow {
  readonly key: string;
  readonly name: string;
  readonly currency: string;
  readonly timezone: string;
  readonly subjects: string[];
}

interface TermsRow {
  readonly id: string;
  readonly customer: string;
  readonly plan: string;
  readonly plan_version: number;
  readonly price_revision: number;
  readonly currency: string;
  readonly billing_period: BillingCadence;
  readonly rate_cards: RateCard[];
  readonly commitment: Commitment | null;
  readonly unused_time: UnusedTime;
  readonly starts_at: string;
  readonly ends_at: string | null;
}

const terms = (row: TermsRow): SubscriptionTerms => ({
  id: row.id,
  plan: row.plan,
  planVersion: row.plan_version,
  priceRevision: row.price_revision,
  currency: row.currency,
  cadence: row.billing_period,
  startsAtMs: Date.parse(row.starts_at),
  endsAtMs: row.ends_at === null ? null : Date.parse(row.ends_at),
  rateCards: row.rate_cards,
  commitment: row.commitment,
  unusedTime: row.unused_time,
});

export function accountReader(db: SqlExecutor): Omit<AccountReader, keyof PrepaidReader> {
  return {
    async accounts(customers, tenant): Promise<Account[]> {
      const customerRows = await db.query<CustomerRow>(
        `select key, name, currency, timezone, (
           select coalesce(jsonb_agg(s.subject order by s.subject collate "C"), '[]') from customer_subject s
           where s.customer = c.key and s.tenant = c.tenant
         ) as subjects
         from customer c where key = any($1::text[]) and tenant = $2 order by key`,
        [customers, tenant],
      );
      const termsRows = await db.query<TermsRow>(
        `select s.id, s.customer, s.plan, s.plan_version, s.starts_at, s.ends_at, s.commitment, p.currency, p.billing_period,
           v.rate_cards, v.unused_time, v.price_revision
         from subscription s
         join plan p on p.tenant = s.tenant and p.key = s.plan
         join plan_version v on v.tenant = s.tenant and v.plan = s.plan and v.version = s.plan_version
         where s.customer = any($1::text[]) and s.tenant = $2 order by s.starts_at, s.id`,
        [customers, tenant],
      );
      const byCustomer = Map.groupBy(termsRows, (row) => row.customer);
      return customerRows.map((row) => ({ ...row, subscriptions: (byCustomer.get(row.key) ?? []).map(terms) }));
    },

    async rateCards(plan, version, tenant) {
      const [row] = await db.query<{ rate_cards: RateCard[] }>(
        'select rate_cards from plan_version where plan = $1 and version = $2 and tenant = $3',
        [plan, version, tenant],
      );
      if (row === undefined) throw new Error(`plan ${plan} has no version ${version}`);
      return row.rate_cards;
    },

    priceChanges: (version, revision, tenant) => priceChangesUpTo(db, version, revision, tenant),
  };
}
