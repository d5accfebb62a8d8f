import { dimensionNames, storedAggregation, type Meter, type StoredAggregation } from '@meterline/domain/meters';
import { FIXED_WINDOW_MS } from '@meterline/domain/time';
import type { UsageQuery } from '@meterline/pipeline/ports';
import type { QueryWindows } from '@meterline/pipeline/usage';

export const HOUR_MS = 3_600_000;

/** A query's fixed part: what it may see and where rollups stand in for deltas. */
export interface Visible {
  readonly cut: readonly number[];
  /** Per partition, up to which offset rollups are complete and below the cut. */
  readonly rolledUp: readonly number[];
  /** Backfills whose rows count, and 0. */
  readonly origins: readonly number[];
}

export interface Sql {
  readonly text: string;
  readonly params: Readonly<Record<string, unknown>>;
}

const SERIES = 'gross, voids, value, latest_at, latest_offset, partition, uniques';

/** How each aggregation combines rows of several minutes, partitions and series. Rows that only withdraw (gross = 0) hold no value. */
const VALUE: Record<StoredAggregation, string> = {
  count: 'toString(toInt64(sum(gross)) - toInt64(sum(voids)))',
  sum: 'toString(sum(value))',
  max: 'toString(maxIf(value, gross > 0))',
  min: 'toString(minIf(value, gross > 0))',
  latest: 'toString(argMaxIf(value, (latest_at, value), gross > 0))',
  unique_count: 'toString(uniqExactArray(uniques))',
};

/** Aggregations that cannot take an event back: hours with a void are computed anew from raw events. */
export function needsRecompute(meter: Meter): boolean {
  const stored = storedAggregation(meter);
  return stored !== 'count' && stored !== 'sum';
}

/**
 * Rows of the meter in the range: hourly rollups for whole hours below the rolled-up offsets, deltas for the rest.
 * `hourly`: whether every window boundary is a whole UTC hour, so that an hour never belongs to two windows.
 */
export function sourceRows(query: UsageQuery, visible: Visible, hourly: boolean): Sql {
  const { meter, fromMs, toMs, subjects, filter } = query;
  const wholeFrom = hourly ? Math.ceil(fromMs / HOUR_MS) * HOUR_MS : toMs;
  const wholeTo = hourly ? Math.max(Math.floor(toMs / HOUR_MS) * HOUR_MS, wholeFrom) : toMs;
  const names = dimensionNames(meter);
  const conditions = Object.keys(filter ?? {}).map((name, index) => {
    return `dims[${names.indexOf(name) + 1}] in {filter${index}:Array(String)}`;
  });
  if (subjects !== undefined) conditions.push('subject in {subjects:Array(String)}');
  conditions.push('meter = {meter:String}', 'tenant = {tenant:String}');
  const where = conditions.join(' and ');
  const text = `
    select minute as at, subject, dims, ${SERIES} from usage_delta final
    where minute >= {from:DateTime('UTC')} and minute < {to:DateTime('UTC')} and segment_start < {cut:Array(UInt64)}[partition + 1]
      and origin in {origins:Array(UInt32)}
      and (origin > 0 or segment_start >= {rolledUp:Array(UInt64)}[partition + 1]
           or minute < {wholeFrom:DateTime('UTC')} or minute >= {wholeTo:DateTime('UTC')})
      and ${where}
    union all
    select hour as at, subject, dims, ${SERIES} from usage_rollup final
    where hour >= {wholeFrom:DateTime('UTC')} and hour < {wholeTo:DateTime('UTC')} and range_start < {rolledUp:Array(UInt64)}[partition + 1]
      and ${where}`;
  const params: Record<string, unknown> = {
    from: fromMs / 1000,
    to: toMs / 1000,
    wholeFrom: wholeFrom / 1000,
    wholeTo: wholeTo / 1000,
    cut: visible.cut,
    rolledUp: visible.rolledUp,
    origins: visible.origins,
    meter: meter.key,
    tenant: meter.tenant,
    ...(subjects === undefined ? {} : { subjects }),
  };
  for (const [index, values] of Object.values(filter ?? {}).entries()) params[`filter${index}`] = values;
  return { text, params };
}

/** (subject, dims, hour) where something was withdrawn. */
export function withdrawnHours(source: Sql): Sql {
  const text = `select distinct subject, dims, toUnixTimestamp(toStartOfHour(at)) from (${source.text}) where voids > 0`;
  return { text, params: source.params };
}

const PATCH = 'Array(Tuple(UInt32, String, Array(String), UInt64, String, UInt64, UInt64, UInt16, Array(String)))';

/** The source without the withdrawn hours, and with the rows that were recomputed for them (as JSON). */
export function patched(source: Sql, withdrawn: string, recomputed: string): Sql {
  const text = `
    select * from (${source.text})
    where not has(JSONExtract({withdrawn:String}, 'Array(Tuple(String, Array(String), UInt32))'), (subject, dims, toUnixTimestamp(toStartOfHour(at))))
    union all
    select toDateTime(r.1, 'UTC') as at, r.2 as subject, r.3 as dims, r.4 as gross, toUInt64(0) as voids, toDecimal128(r.5, 12) as value,
      fromUnixTimestamp64Milli(toInt64(r.6), 'UTC') as latest_at, r.7 as latest_offset, r.8 as partition, r.9 as uniques
    from (select arrayJoin(JSONExtract({recomputed:String}, '${PATCH}')) as r)`;
  return { text, params: { ...source.params, withdrawn, recomputed } };
}

/** Folds source rows into the windows that the meter folds, and groups: columns window start (seconds), subject, group values, value, events. */
export function grouped(query: UsageQuery, source: Sql, windows: QueryWindows): Sql {
  const names = dimensionNames(query.meter);
  const groups = (query.groupBy ?? []).map((name) => `dims[${names.indexOf(name) + 1}]`);
  const subject = query.bySubject === true ? 'subject' : `''`;
  const { window, starts } = windowStarts(query, windows);
  const stored = storedAggregation(query.meter) ?? 'count';
  const text = `
    select ${window} as window, ${subject} as who, [${groups.join(', ')}]::Array(String) as groups,
      ${VALUE[stored]} as amount, toInt64(sum(gross)) - toInt64(sum(voids)) as events
    from (${source.text}) group by window, who, groups having events > 0 order by window, who, groups`;
  return { text, params: { ...source.params, starts: starts.map((ms) => ms / 1000) } };
}

/** The start of a row's window. A year has 100,000 windows of 5 minutes: such are computed, not listed. */
function windowStarts({ meter }: UsageQuery, { answered, folded }: QueryWindows): { window: string; starts: number[] } {
  const listed = 'roundDown(toUnixTimestamp(at), {starts:Array(UInt32)})';
  const fixedMs = meter.fold === undefined ? undefined : FIXED_WINDOW_MS[meter.fold.window];
  if (fixedMs === undefined) return { window: listed, starts: folded.map(({ fromMs }) => fromMs) };
  const computed = `toUnixTimestamp(at) - toUnixTimestamp(at) % ${fixedMs / 1000}`;
  return { window: `toUInt32(greatest(${listed}, ${computed}))`, starts: answered.map(({ fromMs }) => fromMs) };
}

/** Raw rows of the wanted subjects and hours below the cut. */
export function rawRows(meter: Meter, subjects: readonly string[], hours: readonly number[], cut: readonly number[]): Sql {
  const text = `
    select partition, offset, kind, target_offset, config_version, toUnixTimestamp64Milli(appended_at), toUnixTimestamp64Milli(time), payload
    from event final
    where time >= {first:DateTime64(3, 'UTC')} and time < {after:DateTime64(3, 'UTC')} and toUnixTimestamp(toStartOfHour(time)) in {hours:Array(UInt32)}
      and segment_start < {cut:Array(UInt64)}[partition + 1]
      and subject in {subjects:Array(String)} and type = {type:String} and tenant = {tenant:String}`;
  const first = Math.min(...hours);
  const after = Math.max(...hours) + HOUR_MS / 1000;
  return { text, params: { first, after, hours, cut, subjects, type: meter.eventType, tenant: meter.tenant } };
}
