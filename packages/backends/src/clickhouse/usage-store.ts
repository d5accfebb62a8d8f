import type { ClickHouseClient } from '@clickhouse/client';
import { NO_ROWS, ROW_COLUMNS } from '@meterline/pipeline/aggregation';
import type { IdClaim, RowIdentity, StoredEvent, UsageStore, UsageTable } from '@meterline/pipeline/ports';
import { insertRows } from './insert.ts';
import { queryRows, type QueryParams } from './rows.ts';

/** What tells rows of one segment apart: repeated writes of a row collapse by it, more cheaply than by FINAL. */
const ROW_KEYS: Record<UsageTable, string> = {
  event: 'offset, kind',
  refused_event: 'offset',
  event_key: 'offset',
  usage_delta: 'origin',
};

/** usage_delta also holds what backfills wrote. */
const BY_SEGMENTS: Partial<Record<UsageTable, string>> = { usage_delta: `and writer = 'segment'` };

export const EVENT_FIELDS =
  'partition, offset, kind, target_offset, config_version, ' +
  'toUnixTimestamp64Milli(appended_at), toUnixTimestamp64Milli(time), payload';

export function clickhouseUsageStore(client: ClickHouseClient): UsageStore {
  const rows = <Row extends readonly unknown[]>(query: string, params: QueryParams) => queryRows<Row>(client, query, params);

  return {
    write: (table, body) =>
      insertRows(client, table, ROW_COLUMNS[table], Buffer.from(body.buffer, body.byteOffset, body.byteLength), 'RowBinary'),

    async identities(table, segments) {
      const partitions = [...new Set(segments.map(({ partition }) => partition))];
      const starts = [...new Set(segments.map(({ start }) => start))];
      // Segments of other partitions that begin at one of these offsets are found along, and passed over.
      const found = await rows<[number, string, string, string]>(
        `select partition, segment_start, count(), groupBitXor(row_hash) from (
           select distinct partition, segment_start, ${ROW_KEYS[table]}, row_hash from ${table}
           where partition in {partitions:Array(UInt16)} and segment_start in {starts:Array(UInt64)} ${BY_SEGMENTS[table] ?? ''}
         ) group by partition, segment_start`,
        { partitions, starts },
      );
      const stored = new Map(
        found.map(([partition, start, count, xor]) => [`${partition}:${start}`, { rows: Number(count), xor }]),
      );
      return segments.map(({ partition, start }) => stored.get(`${partition}:${start}`) ?? NO_ROWS);
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

    async claimedIds(partition, { index, of, before, sinceMs }) {
      // The table is sorted by hash, not by offset: a range of offsets would read the whole partition for each page.
      const found = await rows<[string]>(
        `select lower(hex(id_hash)) from event_key where partition = {partition:UInt16} and offset < {before:UInt64}
           and id_hash >= toFixedString(unhex({low:String}), 16) and id_hash <= toFixedString(unhex({high:String}), 16)
           and appended_at >= fromUnixTimestamp64Milli({since:Int64})`,
        { partition, before, low: firstHash(index, of), high: lastHash(index, of), since: sinceMs },
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

const HASH_DIGITS = 32;
const PREFIXES = 2 ** 32;

function firstHash(index: number, of: number): string {
  const prefix = Math.floor((index * PREFIXES) / of);
  return prefix.toString(16).padStart(8, '0').padEnd(HASH_DIGITS, '0');
}

function lastHash(index: number, of: number): string {
  const prefix = Math.floor(((index + 1) * PREFIXES) / of) - 1;
  return prefix.toString(16).padStart(8, '0').padEnd(HASH_DIGITS, 'f');
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
