import type { MeterRecord, MeterStore, SqlExecutor } from '@meterline/pipeline/ports';
import { meterOf, type MeterRow } from '../meter-row.ts';
import { epochMs, epochMsOrNull, pageOf } from './rows.ts';

interface MeterRecordRow extends MeterRow {
  readonly created_at: string;
  readonly archived_at: string | null;
}

const record = (row: MeterRecordRow): MeterRecord => ({
  ...meterOf(row),
  createdAtMs: epochMs(row.created_at),
  archivedAtMs: epochMsOrNull(row.archived_at),
});

const jsonOrNull = (terms: unknown): string | null => (terms === undefined ? null : JSON.stringify(terms));

export function meterStore(db: SqlExecutor): MeterStore {
  async function byKey(key: string, tenant: string): Promise<MeterRecord | undefined> {
    const rows = await db.query<MeterRecordRow>('select * from meter where key = $1 and tenant = $2', [key, tenant]);
    return rows.map(record)[0];
  }

  return {
    byKey,

    // One statement, so one transaction. Losing a race for the key skips a configuration version, which harms nobody.
    async insert(draft, nowMs, tenant) {
      const rows = await db.query<MeterRecordRow>(
        `with config as (
           update meter_config set version = version + 1
           where not exists (select from meter where key = $1 and tenant = $9) returning version
         )
         insert into meter (key, name, event_type, aggregation, value_property, dimensions, filter, created_at, tenant, level, session, fold,
           created_version)
         select $1, $2, $3, $4, $5, $6::jsonb, $7::jsonb, $8::timestamptz, $9, $10::jsonb, $11::jsonb, $12::jsonb, version from config
         on conflict (tenant, key) do nothing returning *`,
        [
          draft.key,
          draft.name,
          draft.eventType,
          draft.aggregation,
          draft.valueProperty,
          // jsonb gives the keys an order of its own; every reader gets that one, so it is the order of dimensions everywhere
          JSON.stringify(draft.dimensions),
          JSON.stringify(draft.filter),
          new Date(nowMs),
          tenant,
          jsonOrNull(draft.level),
          jsonOrNull(draft.session),
          jsonOrNull(draft.fold),
        ],
      );
      return rows.map(record)[0];
    },

    async archive(key, nowMs, tenant) {
      await db.query(
        `with config as (
           update meter_config set version = version + 1
           where exists (select from meter where archived_version is null and key = $1 and tenant = $3) returning version
         )
         update meter set archived_version = config.version, archived_at = $2
         from config where archived_version is null and key = $1 and tenant = $3`,
        [key, new Date(nowMs), tenant],
      );
      return byKey(key, tenant);
    },

    async byKeys(keys, tenant) {
      const rows = await db.query<MeterRecordRow>('select * from meter where key = any($1::text[]) and tenant = $2', [
        keys,
        tenant,
      ]);
      return rows.map(record);
    },

    async page(request, tenant) {
      const rows = await db.query<MeterRecordRow>('select * from meter where key > $1 and tenant = $3 order by key limit $2', [
        request.after ?? '',
        request.limit + 1,
        tenant,
      ]);
      return pageOf(rows, request, record, (row) => row.key);
    },
  };
}
