import type { Commitment } from '@meterline/domain/commitments';
import type { RateCard } from '@meterline/domain/prices';
import type { ChangeRules } from '@meterline/domain/stages';
import type { BillingCadence } from '@meterline/domain/subscriptions';
import type {
  Database,
  PlanRecord,
  PlanStore,
  PlanVersionDraft,
  PlanVersionRecord,
  SqlExecutor,
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
  readonly change_rules: ChangeRules | null;
  readonly price_revision: number;
  readonly created_at: string;
  readonly archived_at: string | null;
}

const SELECT = `select p.key, p.name, p.currency, p.billing_period, v.version, v.rate_cards, v.commitment, v.change_rules, v.price_revision,
    p.created_at, p.archived_at
  from plan p join plan_version v on v.plan = p.key and v.version = p.latest_version and v.tenant = p.tenant`;

const record = (row: PlanRow): PlanRecord => ({
  key: row.key,
  name: row.name,
  currency: row.currency,
  billingPeriod: row.billing_period,
  version: row.version,
  rateCards: row.rate_cards,
  commitment: row.commitment,
  changeRules: row.change_rules,
  priceRevision: row.price_revision,
  createdAtMs: epochMs(row.created_at),
  archivedAtMs: epochMsOrNull(row.archived_at),
});

interface PlanVersionRow {
  readonly plan: string;
  readonly version: number;
  readonly rate_cards: RateCard[];
  readonly commitment: Commitment | null;
  readonly change_rules: ChangeRules | null;
  readonly price_revision: number;
  readonly created_at: string;
}

const versionRecord = (row: PlanVersionRow): PlanVersionRecord => ({
  plan: row.plan,
  version: row.version,
  rateCards: row.rate_cards,
  commitment: row.commitment,
  changeRules: row.change_rules,
  priceRevision: row.price_revision,
  createdAtMs: epochMs(row.created_at),
});

const SELECT_VERSION = 'select plan, version, rate_cards, commitment, change_rules, price_revision, created_at from plan_version';

async function byKey(db: SqlExecutor, key: string, tenant: string): Promise<PlanRecord | undefined> {
  const rows = await db.query<PlanRow>(`${SELECT} where p.key = $1 and p.tenant = $2`, [key, tenant]);
  return rows.map(record)[0];
}

async function insertVersion(
  tx: SqlExecutor,
  key: string,
  version: number,
  { rateCards, commitment = null, changeRules = null }: PlanVersionDraft,
  nowMs: number,
  tenant: string,
): Promise<void> {
  await tx.query(
    `insert into plan_version (plan, version, rate_cards, commitment, change_rules, created_at, tenant)
     values ($1, $2, $3::jsonb, $4::jsonb, $5::jsonb, $6, $7)`,
    [key, version, JSON.stringify(rateCards), jsonOrNull(commitment), jsonOrNull(changeRules), new Date(nowMs), tenant],
  );
}

const jsonOrNull = (value: object | null): string | null => (value === null ? null : JSON.stringify(value));

export function planStore(db: Database): PlanStore {
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
        const [next] = await tx.query<{ version: number }>(
          `update plan set latest_version = latest_version + 1 where archived_at is null and key = $1 and tenant = $2
           returning latest_version as version`,
          [key, tenant],
        );
        if (next === undefined) return undefined;
        await insertVersion(tx, key, next.version, version, nowMs, tenant);
        return byKey(tx, key, tenant);
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
      const rows = await db.query<PlanRow>(`${SELECT} where p.key > $1 and p.tenant = $3 order by p.key limit $2`, [
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
