import type { ClickHouseClient } from '@clickhouse/client';
import { queryRows } from './rows.ts';

const USAGE_TABLES = ['event', 'refused_event', 'event_key', 'usage_delta', 'usage_rollup'];

/** The first usage table that holds a row, or undefined. */
export async function filledUsageTable(client: ClickHouseClient): Promise<string | undefined> {
  for (const table of USAGE_TABLES) if ((await queryRows(client, `select 1 from ${table} limit 1`, {})).length > 0) return table;
  return undefined;
}
