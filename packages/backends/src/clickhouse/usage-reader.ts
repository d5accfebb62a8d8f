import type { ClickHouseClient } from '@clickhouse/client';
import { Fault } from '@meterline/domain/faults';
import { dimensionNames } from '@meterline/domain/meters';
import { windowsBetween } from '@meterline/domain/time';
import type { Cut, UsageQuery, UsageReader, UsageRow } from '@meterline/pipeline/ports';
import { recompute } from '@meterline/pipeline/usage';
import { FINAL_SETTINGS, storedEvent, type EventRow } from './usage-store.ts';
import {
  grouped,
  HOUR_MS,
  needsRecompute,
  patched,
  rawRows,
  sourceRows,
  withdrawnHours,
  type Sql,
  type Visible,
} from './usage-sql.ts';

/** What the billing store says may be seen. */
export interface UsageVisibility {
  committedCut(): Promise<Cut>;
  /** Per partition, how far rollups are committed without passing the cut. */
  rolledUp(cut: Cut): Promise<number[]>;
  /** Ids of the meter's complete backfills. */
  backfills(tenant: string, meter: string): Promise<number[]>;
}

const MINUTE_MS = 60_000;
/** Queries of one call that run at once; the engine has few sessions. */
const QUERIES_AT_ONCE = 3;

export function clickhouseUsageReader(client: ClickHouseClient, visibility: UsageVisibility): UsageReader {
  async function rows<Row extends readonly unknown[]>({ text, params }: Sql): Promise<Row[]> {
    const answer = await client.query({
      query: text,
      query_params: { ...params },
      format: 'JSONCompact',
      clickhouse_settings: FINAL_SETTINGS,
    });
    return (await answer.json<Row>()).data;
  }

  /** Replaces hours that lost an event, for aggregations that cannot subtract. */
  async function withoutWithdrawn(query: UsageQuery, source: Sql, visible: Visible): Promise<Sql> {
    const hours = await rows<[string, string[], number]>(withdrawnHours(source));
    if (hours.length === 0) return source;
    const subjects = [...new Set(hours.map(([subject]) => subject))];
    const raw = await rows<EventRow>(rawRows(query.meter, subjects, [...new Set(hours.map(([, , hour]) => hour))], visible.cut));
    const wanted = new Set(hours.map((hour) => JSON.stringify(hour)));
    const anew = recompute(query.meter, visible.origins.length > 1, raw.map(storedEvent)).filter(
      ({ subject, dims, minuteSeconds }) => {
        const minuteMs = minuteSeconds * 1000;
        return (
          wanted.has(JSON.stringify([subject, dims, minuteSeconds - (minuteSeconds % 3600)])) &&
          minuteMs >= query.fromMs &&
          minuteMs < query.toMs
        );
      },
    );
    const patch = anew.map((row) => {
      const { minuteSeconds, subject, dims, events, value, latestAtMs, latestOffset, partition, uniques } = row;
      return [minuteSeconds, subject, dims, events, value, latestAtMs, latestOffset, partition, uniques];
    });
    return patched(source, JSON.stringify(hours), JSON.stringify(patch));
  }

  async function read(query: UsageQuery, visible: Visible): Promise<UsageRow[]> {
    check(query);
    const windows = query.window
      ? windowsBetween({ fromMs: query.fromMs, toMs: query.toMs, size: query.window.size, timezone: query.window.timezone })
      : [{ fromMs: query.fromMs, toMs: query.toMs }];
    if (windows.length === 0) return [];
    // the outer edges may cut an hour, deltas answer for those; an inner edge within an hour would need the hour split
    const hourly = windows.slice(1).every(({ fromMs }) => fromMs % HOUR_MS === 0);
    const all = sourceRows(query, visible, hourly);
    const source = needsRecompute(query.meter.aggregation) ? await withoutWithdrawn(query, all, visible) : all;
    const found = await rows<[number, string, string[], string, string]>(grouped(query, source, windows.map(({ fromMs }) => fromMs))); // prettier-ignore
    const windowTo = new Map(windows.map(({ fromMs, toMs }) => [fromMs, toMs]));
    return found.map(([start, subject, groups, value, events]) => ({
      windowFromMs: start * 1000,
      windowToMs: windowTo.get(start * 1000) ?? query.toMs,
      subject: query.bySubject === true ? subject : null,
      group: Object.fromEntries((query.groupBy ?? []).map((name, index) => [name, groups[index] ?? ''])),
      value,
      events: Number(events),
    }));
  }

  async function usageAll(queries: readonly UsageQuery[], wantedCut?: Cut) {
    const cut = wantedCut ?? (await visibility.committedCut());
    const rolledUp = await visibility.rolledUp(cut);
    const results: (readonly UsageRow[])[] = [];
    for (let at = 0; at < queries.length; at += QUERIES_AT_ONCE) {
      const answers = queries.slice(at, at + QUERIES_AT_ONCE).map(async (query) => {
        const backfills = await visibility.backfills(query.meter.tenant, query.meter.key);
        return read(query, { cut, rolledUp, origins: [0, ...backfills] });
      });
      results.push(...(await Promise.all(answers)));
    }
    return { results, cut };
  }

  return {
    usageAll,
    async usage(query) {
      const { results, cut } = await usageAll([query], query.cut);
      return { rows: results[0] ?? [], cut };
    },
  };
}

function check({ meter, fromMs, toMs, groupBy, filter }: UsageQuery): void {
  if (fromMs % MINUTE_MS !== 0 || toMs % MINUTE_MS !== 0)
    throw new Fault('invalid', 'usage.not_whole_minutes', 'from and to must be whole minutes');
  const known = new Set(dimensionNames(meter));
  for (const name of [...(groupBy ?? []), ...Object.keys(filter ?? {})]) {
    if (!known.has(name)) throw new Fault('invalid', 'usage.unknown_dimension', `meter ${meter.key} has no dimension "${name}"`);
  }
}
