import type { ClickHouseClient, ClickHouseSettings } from '@clickhouse/client';
import type { IdClaim, RowIdentity, StoredEvent, UsageStore, UsageTable } from '@meterline/pipeline/ports';
import { insertRows } from './insert.ts';

const COLUMNS: Record<UsageTable, string> = {
  event:
    'tenant, type, subject, time, partition, offset, kind, segment_start, target_offset, config_version, appended_at, row_hex, payload',
  refused_event: 'tenant, partition, offset, segment_start, status, code, detail, appended_at, row_hex, payload',
  event_key: 'partition, id_hex, offset, kind, segment_start, appended_at, row_hex',
  usage_delta:
    'tenant, meter, aggregation, subject, minute, dims, origin, writer, partition, segment_start, ' +
    'gross, voids, value, latest_at, latest_offset, uniques, row_hex',
};

/** What tells rows of one segment apart: repeated writes of a row collapse by it, more cheaply than by FINAL. */
const ROW_KEYS: Record<UsageTable, string> = {
  event: 'offset, kind',
  refused_event: 'offset',
  event_key: 'offset',
  usage_delta: 'origin',
};

/** usage_delta also holds what backfills wrote. */
const BY_SEGMENTS: Partial<Record<UsageTable, string>> = { usage_delta: `and writer = 'segment'` };

const EVENT_FIELDS =
  'partition, offset, kind, target_offset, config_version, ' +
  'toUnixTimestamp64Milli(appended_at), toUnixTimestamp64Milli(time), payload';

/** Identical rows may lie in several parts until they merge: money queries collapse them by FINAL, each partition of a table on its own. */
export const FINAL_SETTINGS: ClickHouseSettings = {
  do_not_merge_across_partitions_select_final: 1,
  use_skip_indexes_if_final: 1,
};

export function clickhouseUsageStore(client: ClickHouseClient): UsageStore {
  async function rows<Row extends readonly unknown[]>(query: string, params: Record<string, unknown>): Promise<Row[]> {
    const answer = await client.query({
      query,
      query_params: params,
      format: 'JSONCompact',
      clickhouse_settings: FINAL_SETTINGS,
    });
    return (await answer.json<Row>()).data;
  }

  return {
    write: (table, body) =>
      insertRows(client, table, COLUMNS[table].split(', '), Buffer.from(body.buffer, body.byteOffset, body.byteLength)),

    async identities(table, partition, starts) {
      const found = await rows<[string, string, string]>(
        `select segment_start, count(), groupBitXor(row_hash) from (
           select distinct segment_start, ${ROW_KEYS[table]}, row_hash from ${table}
           where partition = {partition:UInt16} and segment_start in {starts:Array(UInt64)} ${BY_SEGMENTS[table] ?? ''}
         ) group by segment_start`,
        { partition, starts },
      );
      return new Map(found.map(([start, count, xor]): [number, RowIdentity] => [Number(start), { rows: Number(count), xor }]));
    },

    async chunkIdentity(origin, partition, start) {
      const [row] = await rows<[string, string]>(
        `select count(), groupBitXor(row_hash) from usage_delta final
         where partition = {partition:UInt16} and segment_start = {start:UInt64} and origin = {origin:UInt32} and writer = 'backfill'`,
        { partition, start, origin },
      );
      return { rows: Number(row?.[0] ?? 0), xor: row?.[1] ?? '0' };
    },

    async claims(partition, idHashes, before) {
      const found = await rows<[string, string, IdClaim['kind'], string, string]>(
        `select distinct lower(hex(id_hash)), offset, kind, hex(row_hash), toUnixTimestamp64Milli(appended_at)
         from event_key where partition = {partition:UInt16} and offset < {before:UInt64}
           and id_hash in (select toFixedString(unhex(arrayJoin({ids:Array(String)})), 16)) order by offset`,
        { partition, before, ids: idHashes },
      );
      return found.map(([idHash, offset, kind, hash, appendedAtMs]) => {
        return { idHash, offset: Number(offset), kind, payloadHash: storedHash(hash), appendedAtMs: Number(appendedAtMs) };
      });
    },

    async claimedIds(partition, { from, to, sinceMs }) {
      const found = await rows<[string]>(
        `select lower(hex(id_hash)) from event_key where partition = {partition:UInt16} and offset >= {from:UInt64} and offset < {to:UInt64}
           and appended_at >= fromUnixTimestamp64Milli({since:Int64})`,
        { partition, from, to, since: sinceMs },
      );
      return found.map(([idHash]) => idHash);
    },

    async sourcesOf(tenant, id) {
      const found = await rows<[string]>(
        `select distinct JSONExtractString(payload, 'source') from event
         where position(payload, {text:String}) > 0 and JSONExtractString(payload, 'id') = {id:String} and kind = 'event' and tenant = {tenant:String}`,
        { tenant, id, text: JSON.stringify(id) },
      );
      return found.map(([source]) => source);
    },

    async eventsAt(partition, offsets) {
      const found = await rows<EventRow>(
        `select ${EVENT_FIELDS} from event final where partition = {partition:UInt16} and offset in {offsets:Array(UInt64)}`,
        { partition, offsets },
      );
      return found.map(storedEvent);
    },

    async withdrawnOffsets({ tenant, type, partition, from, to }) {
      const found = await rows<[string]>(
        `select distinct target_offset from event where kind = 'void' and tenant = {tenant:String} and type = {type:String}
           and partition = {partition:UInt16} and offset >= {from:UInt64} and offset < {to:UInt64}`,
        { tenant, type, partition, from, to },
      );
      return found.map(([offset]) => Number(offset));
    },

    async withdrawnInPartition(partition, cut) {
      const found = await rows<[string]>(
        `select distinct target_offset from event where kind = 'void' and partition = {partition:UInt16} and offset < {cut:UInt64}`,
        { partition, cut },
      );
      return found.map(([offset]) => Number(offset));
    },

    async scanPartition(partition, from, to) {
      const found = await rows<[...EventRow, string, string, string]>(
        `select ${EVENT_FIELDS}, tenant, type, subject from event final
         where partition = {partition:UInt16} and offset >= {from:UInt64} and offset < {to:UInt64}`,
        { partition, from, to },
      );
      return found.map(([p, offset, kind, target, config, appended, time, payload, tenant, type, subject]) => {
        return { ...storedEvent([p, offset, kind, target, config, appended, time, payload]), tenant, type, subject };
      });
    },

    async tally(partition, cut) {
      const below = `where partition = {partition:UInt16} and segment_start < {cut:UInt64}`;
      const one = async (select: string, table: UsageTable) => {
        const [row] = await rows<string[]>(
          `select ${select}, count(), groupBitXor(row_hash) from ${table} final ${below} ${BY_SEGMENTS[table] ?? ''}`,
          { partition, cut },
        );
        return row ?? [];
      };
      const [accepted, eventRows, eventXor] = await one('uniqExact(offset)', 'event');
      const [duplicate, conflict, rejected, refusedRows, refusedXor] = await one(
        `countIf(status = 'duplicate'), countIf(status = 'conflict'), countIf(status = 'rejected')`,
        'refused_event',
      );
      const [, keyRows, keyXor] = await one('0', 'event_key');
      const [, deltaRows, deltaXor] = await one('0', 'usage_delta');
      const identity = (count?: string, xor?: string): RowIdentity => ({ rows: Number(count ?? 0), xor: xor ?? '0' });
      return {
        accepted: Number(accepted ?? 0),
        duplicate: Number(duplicate ?? 0),
        conflict: Number(conflict ?? 0),
        rejected: Number(rejected ?? 0),
        identity: {
          event: identity(eventRows, eventXor),
          refused_event: identity(refusedRows, refusedXor),
          event_key: identity(keyRows, keyXor),
          usage_delta: identity(deltaRows, deltaXor),
        },
      };
    },

    async scanEvents({ tenant, type, partition, from, to }) {
      const found = await rows<EventRow>(
        `select ${EVENT_FIELDS} from event final where tenant = {tenant:String} and type = {type:String}
           and partition = {partition:UInt16} and offset >= {from:UInt64} and offset < {to:UInt64} order by offset`,
        { tenant, type, partition, from, to },
      );
      return found.map(storedEvent);
    },
  };
}

export type EventRow = [number, string, StoredEvent['kind'], string, number, string, string, string];

export function storedEvent([
  partition,
  offset,
  kind,
  targetOffset,
  configVersion,
  appendedAtMs,
  timeMs,
  payload,
]: EventRow): StoredEvent {
  const numbers = {
    offset: Number(offset),
    targetOffset: Number(targetOffset),
    appendedAtMs: Number(appendedAtMs),
    timeMs: Number(timeMs),
  };
  return { partition, kind, configVersion, payload, ...numbers };
}

/** `row_hash` reads the 8 bytes little-endian, and `hex` of an integer drops leading zeros: back to the hex the record came with. */
function storedHash(integerHex: string): string {
  return (integerHex.toLowerCase().padStart(16, '0').match(/../g) ?? []).reverse().join('');
}
