import type { ClickHouseClient } from '@clickhouse/client';
import { quantityOf } from '@meterline/domain/meters';
import type { UsageQuery } from '@meterline/pipeline/ports';
import { type QueryWindows, recompute, type WindowValue } from '@meterline/pipeline/usage';
import { queryRows } from './rows.ts';
import { storedEvent, type EventRow } from './usage-store.ts';
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

/** What the deltas and rollups of the query's meter come to, window by window in order: of an average the sum, of a level its stored part. */
export async function storedValues(
  client: ClickHouseClient,
  query: UsageQuery,
  windows: QueryWindows,
  visible: Visible,
): Promise<WindowValue[]> {
  // the outer edges may cut an hour, deltas answer for those; an inner edge within an hour would need the hour split
  const hourly = windows.folded.slice(1).every(({ fromMs }) => fromMs % HOUR_MS === 0);
  const all = sourceRows(query, visible, hourly);
  const source = needsRecompute(query.meter) ? await withoutWithdrawn(client, query, all, visible) : all;
  const { text, params } = grouped(query, source, windows);
  const found = await queryRows<[number, string, string[], string, string]>(client, text, params);
  return found.map(([start, subject, groups, value, events]) => {
    return { fromMs: start * 1000, subject, groups, value: quantityOf(value), events: Number(events) };
  });
}

/** Replaces hours that lost an event, for aggregations that cannot subtract. */
async function withoutWithdrawn(client: ClickHouseClient, query: UsageQuery, source: Sql, visible: Visible): Promise<Sql> {
  const rows = <Row extends readonly unknown[]>({ text, params }: Sql) => queryRows<Row>(client, text, params);
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
