import type { Commitment } from '@meterline/domain/commitments';
import type { PlanFeature } from '@meterline/domain/entitlements';
import type { InvoiceThresholds, UnusedTime } from '@meterline/domain/invoices';
import type { PlanPhase } from '@meterline/domain/phases';
import type { RateCard } from '@meterline/domain/prices';
import type { ChangeRules } from '@meterline/domain/stages';
import type { BillingCadence } from '@meterline/domain/subscriptions';
import type {
  Database,
  PlanDrafts,
  PlanRecord,
  PlanStore,
  PlanVersionDraft,
  PlanVersionKey,
  PlanVersionRecord,
  SqlExecutor,
  SqlValue,
} from '@meterline/pipeline/ports';
import { epochMs, epochMsOrNull, pageOf } from './rows.ts';

interface PlanRow {
  readonly key: string;
  readonly name: string;
  readonly currency: string;
  readonly billing_period: BillingCadence;
  readonly version: number;
  readonly rate_cards: RateCard[];
  readonly commitment: Commitment | null;
  readonly features: PlanFeature[];
  readonly draft: boolean;
  readonly unused_time: UnusedTime;
  readonly change_rules: ChangeRules | null;
  readonly phases: PlanPhase[];
  readonly invoice_thresholds: InvoiceThresholds | null;
  readonly price_revision: number;
  readonly created_at: string;
  readonly archived_at: string | null;
}

const SELECT = `select p.key, p.name, p.currency, p.billing_period, p.created_at, p.archived_at,
    v.version, v.rate_cards, v.commitment, v.change_rules, v.phases, v.invoice_thresholds, v.unused_time, v.features, v.draft, v.price_revision
  from plan p join plan_version v on v.plan = p.key and v.tenant = p.tenant`;
const SELECT_LATEST = `${SELECT} and v.version = p.latest_version`;

const record = (row: PlanRow): PlanRecord => ({
  key: row.key,
  name: row.name,
  currency: row.currency,
  billingPeriod: row.billing_period,
  version: row.version,
  rateCards: row.rate_cards,
  commitment: row.commitment,
  features: row.features,
  draft: row.draft,
  unusedTime: row.unused_time,
  changeRules: row.change_rules,
  phases: row.phases,
  invoiceThresholds: row.invoice_thresholds,
  priceRevision: row.price_revision,
  createdAtMs: epochMs(row.created_at),
  archivedAtMs: epochMsOrNull(row.archived_at),
});

export interface PlanVersionRow {
  readonly plan: string;
  readonly version: number;
  readonly rate_cards: RateCard[];
  readonly commitment: Commitment | null;
  readonly features: PlanFeature[];
  readonly draft: boolean;
  readonly unused_time: UnusedTime;
  readonly change_rules: ChangeRules | null;
  readonly phases: PlanPhase[];
  readonly invoice_thresholds: InvoiceThresholds | null;
  readonly price_revision: number;
  readonly created_at: string;
  readonly archived_at: string | null;
}

export const versionRecord = (row: PlanVersionRow): PlanVersionRecord => ({
  plan: row.plan,
  version: row.version,
  rateCards: row.rate_cards,
  commitment: row.commitment,
  features: row.features,
  draft: row.draft,
  unusedTime: row.unused_time,
  changeRules: row.change_rules,
  phases: row.phases,
  invoiceThresholds: row.invoice_thresholds,
  priceRevision: row.price_revision,
  createdAtMs: epochMs(row.created_at),
  archivedAtMs: epochMsOrNull(row.archived_at),
});

export const SELECT_VERSION = `select plan, version, rate_cards, commitment, change_rules, phases, invoice_thresholds, unused_time, features, draft,
    price_revision, created_at, archived_at
  from plan_version`;

async function byKey(db: SqlExecutor, key: string, tenant: string): Promise<PlanRecord | undefined> {
  const rows = await db.query<PlanRow>(`${SELECT_LATEST} where p.key = $1 and p.tenant = $2`, [key, tenant]);
  return rows.map(record)[0];
}

/** The plan with one of its versions, which must exist. */
export async function planAt(db: SqlExecutor, { plan, version }: PlanVersionKey, tenant: string): Promise<PlanRecord> {
  const rows = await db.query<PlanRow>(`${SELECT} and v.version = $2 where p.key = $1 and p.tenant = $3`, [
    plan,
    version,
    tenant,
  ]);
  const [found] = rows.map(record);
  if (found === undefined) throw new Error(`plan ${plan} has no version ${version}`);
  return found;
}

/** As parameters: rate cards, commitment, unused time, features, change rules, phases, invoice thresholds. */
export function versionTerms({
  rateCards,
  commitment = null,
  unusedTime = 'credit',
  features = [],
  changeRules = null,
  phases = [],
  invoiceThresholds = null,
}: PlanVersionDraft): SqlValue[] {
  const json = [jsonOrNull(changeRules), JSON.stringify(phases), jsonOrNull(invoiceThresholds)];
  return [JSON.stringify(rateCards), jsonOrNull(commitment), unusedTime, JSON.stringify(features), ...json];
}

async function insertVersion(
  tx: SqlExecutor,
  key: string,
  version: number,
  draft: PlanVersionDraft,
  nowMs: number,
  tenant: string,
): Promise<void> {
  await tx.query(
    `insert into plan_version (plan, version, draft, created_at, tenant, rate_cards, commitment, unused_time, features, change_rules, phases,
       invoice_thresholds)
     values ($1, $2, $3, $4, $5, $6::jsonb, $7::jsonb, $8, $9::jsonb, $10::jsonb, $11::jsonb, $12::jsonb)`,
    [key, version, draft.draft ?? false, new Date(nowMs), tenant, ...versionTerms(draft)],
  );
}

const jsonOrNull = (value: object | null): string | null => (value === null ? null : JSON.stringify(value));

export function planStore(db: Database): Omit<PlanStore, keyof PlanDrafts> {
  return {
    byKey: (key, tenant) => byKey(db, key, tenant),

    insert: (draft, nowMs, tenant) =>
      db.transaction(async (tx) => {
        const inserted = await tx.query(
          `insert into plan (key, name, currency, billing_period, latest_version, created_at, tenant) values ($1, $2, $3, $4::jsonb, 1, $5, $6)
           on conflict (tenant, key) do nothing returning key`,
          [draft.key, draft.name, draft.currency, JSON.stringify(draft.billingPeriod), new Date(nowMs), tenant],
        );
        if (inserted.length === 0) return undefined;
        await insertVersion(tx, draft.key, 1, draft, nowMs, tenant);
        return byKey(tx, draft.key, tenant);
      }),

    addVersion: (key, version, nowMs, tenant) =>
      db.transaction(async (tx) => {
        const plans = await tx.query('select key from plan where archived_at is null and key = $1 and tenant = $2 for update', [
          key,
          tenant,
        ]);
        if (plans.length === 0) return undefined;
        const [known] = await tx.query<{ latest: number; has_draft: boolean }>(
          `select max(version) as latest, bool_or(draft and archived_at is null) as has_draft from plan_version where plan = $1 and tenant = $2`,
          [key, tenant],
        );
        if (known === undefined || known.has_draft) return 'draft_exists';
        const next = { plan: key, version: known.latest + 1 };
        await insertVersion(tx, key, next.version, version, nowMs, tenant);
        if (version.draft !== true)
          await tx.query('update plan set latest_version = $2 where key = $1 and tenant = $3', [key, next.version, tenant]);
        return planAt(tx, next, tenant);
      }),

    async archive(key, nowMs, tenant) {
      await db.query('update plan set archived_at = $1 where archived_at is null and key = $2 and tenant = $3', [
        new Date(nowMs),
        key,
        tenant,
      ]);
      return byKey(db, key, tenant);
    },

    async page(request, tenant) {
      const rows = await db.query<PlanRow>(`${SELECT_LATEST} where p.key > $1 and p.tenant = $3 order by p.key limit $2`, [
        request.after ?? '',
        request.limit + 1,
        tenant,
      ]);
      return pageOf(rows, request, record, (row) => row.key);
    },

    async version(key, version, tenant) {
      const rows = await db.query<PlanVersionRow>(`${SELECT_VERSION} where plan = $1 and version = $2 and tenant = $3`, [
        key,
        version,
        tenant,
      ]);
      return rows.map(versionRecord)[0];
    },

    async versions(key, request, tenant) {
      const rows = await db.query<PlanVersionRow>(
        `${SELECT_VERSION} where plan = $1 and version > $2 and tenant = $4 order by version limit $3`,
        [key, Number(request.after ?? 0), request.limit + 1, tenant],
      );
      return pageOf(rows, request, versionRecord, (row) => String(row.version));
    },
  };
}
