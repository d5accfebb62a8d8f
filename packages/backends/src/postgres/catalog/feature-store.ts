import type { FeatureRecord, FeatureStore, ReachedLevel, SqlExecutor } from '@meterline/pipeline/ports';
import { epochMs, epochMsOrNull, pageOf } from './rows.ts';

interface FeatureRow {
  readonly key: string;
  readonly name: string;
  readonly meter: string | null;
  readonly filter: Record<string, string[]>;
  readonly created_at: string;
  readonly archived_at: string | null;
}

const record = ({ created_at, archived_at, key, name, meter, filter }: FeatureRow): FeatureRecord => ({
  ...{ key, name, meter, filter },
  createdAtMs: epochMs(created_at),
  archivedAtMs: epochMsOrNull(archived_at),
});

interface LevelRow extends Pick<ReachedLevel, 'id' | 'customer' | 'feature' | 'percent' | 'used'> {
  readonly period_from: string;
  readonly period_to: string;
  readonly usage_limit: string;
  readonly triggered_at: string;
}

const level = ({ period_from, period_to, usage_limit, triggered_at, ...row }: LevelRow): ReachedLevel => ({
  ...row,
  limit: usage_limit,
  periodFromMs: epochMs(period_from),
  periodToMs: epochMs(period_to),
  triggeredAtMs: epochMs(triggered_at),
});

export function featureStore(db: SqlExecutor): FeatureStore {
  async function byKeys(keys: readonly string[], tenant: string): Promise<FeatureRecord[]> {
    const rows = await db.query<FeatureRow>('select * from feature where key = any($1::text[]) and tenant = $2', [keys, tenant]);
    return rows.map(record);
  }
  const byKey = async (key: string, tenant: string) => (await byKeys([key], tenant))[0];

  return {
    byKey,
    byKeys,

    async insert(draft, nowMs, tenant) {
      const rows = await db.query<FeatureRow>(
        `insert into feature (key, name, meter, filter, created_at, tenant) values ($1, $2, $3, $4::jsonb, $5, $6)
         on conflict do nothing returning *`,
        [draft.key, draft.name, draft.meter, JSON.stringify(draft.filter), new Date(nowMs), tenant],
      );
      return rows.map(record)[0];
    },

    async archive(key, nowMs, tenant) {
      await db.query('update feature set archived_at = $1 where archived_at is null and key = $2 and tenant = $3', [
        new Date(nowMs),
        key,
        tenant,
      ]);
      return byKey(key, tenant);
    },

    async page(request, tenant) {
      const rows = await db.query<FeatureRow>('select * from feature where key > $1 and tenant = $3 order by key limit $2', [
        request.after ?? '',
        request.limit + 1,
        tenant,
      ]);
      return pageOf(rows, request, record, (row) => row.key);
    },

    async reachedLevels({ customer, feature, after, limit }, tenant) {
      const rows = await db.query<LevelRow>(
        `select id, customer, feature, period_from, period_to, percent, trim_scale(usage_limit)::text as usage_limit, trim_scale(used)::text as used,
           triggered_at
         from entitlement_occurrence o
         where ($1::text is null or customer = $1) and ($2::text is null or feature = $2) and tenant = $5 and ($3::text is null or
           (triggered_at, id) < (select triggered_at, id from entitlement_occurrence where id = $3 and tenant = $5))
         order by triggered_at desc, id desc limit $4`,
        [customer ?? null, feature ?? null, after, limit + 1, tenant],
      );
      return pageOf(rows, { after, limit }, level, (row) => row.id);
    },
  };
}
