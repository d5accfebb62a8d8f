import type { ClickHouseClient } from '@clickhouse/client';
import type { StoredEvent, UsageQuery } from '@meterline/pipeline/ports';
import { queryRows } from './rows.ts';
import { EVENT_FIELDS, storedEvent, type EventRow } from './usage-store.ts';
import type { Sql } from './usage-sql.ts';

/** Where a page ended, in the order of the table. */
type Place = readonly [subject: string, timeMs: string, partition: number, offset: string];

/**
 * The events behind a query that stand at the cut (not withdrawn, each once), of the meter's type and the query's subjects from `fromMs` on: subject
 * after subject, each in order of time, partition and offset.
 */
export async function* eventPages(
  client: ClickHouseClient,
  query: UsageQuery,
  fromMs: number,
  cut: readonly number[],
  pageEvents: number,
): AsyncGenerator<StoredEvent[]> {
  let after: Place | null = null;
  for (;;) {
    const { text, params } = pageSql(query, fromMs, cut, after, pageEvents);
    const rows: [...EventRow, string][] = await queryRows<[...EventRow, string]>(client, text, params);
    yield rows.map((row) => storedEvent(row.slice(0, -1) as EventRow));
    const last = rows.at(-1);
    if (last === undefined || rows.length < pageEvents) return;
    after = [last[8], last[6], last[0], last[1]];
  }
}

function pageSql(
  { meter, toMs, subjects }: UsageQuery,
  fromMs: number,
  cut: readonly number[],
  after: Place | null,
  limit: number,
): Sql {
  const seen = `tenant = {tenant:String} and type = {type:String} ${subjects === undefined ? '' : 'and subject in {subjects:Array(String)}'}
    and time >= fromUnixTimestamp64Milli({fromMs:Int64}, 'UTC') and time < fromUnixTimestamp64Milli({toMs:Int64}, 'UTC')
    and segment_start < {cut:Array(UInt64)}[partition + 1]`;
  // spelled out, because the table's order is searched for comparisons of columns, not of tuples
  const beyond = `and (subject > {subject:String} or (subject = {subject:String} and (time > fromUnixTimestamp64Milli({timeMs:Int64}, 'UTC')
    or (time = fromUnixTimestamp64Milli({timeMs:Int64}, 'UTC') and (partition, offset) > ({partition:UInt16}, {offset:UInt64})))))`;
  // a void lies beside what it withdraws: same subject, same time
  const text = `
    select ${EVENT_FIELDS}, subject from event final
    where ${seen} and kind = 'event' ${after === null ? '' : beyond}
      and (partition, offset) not in (select partition, target_offset from event where kind = 'void' and ${seen})
    order by tenant, type, subject, time, partition, offset limit {limit:UInt32}`;
  const params: Record<string, unknown> = { tenant: meter.tenant, type: meter.eventType, fromMs, toMs, cut, limit };
  if (subjects !== undefined) params['subjects'] = subjects;
  if (after !== null) [params['subject'], params['timeMs'], params['partition'], params['offset']] = after;
  return { text, params };
}
