import type { ClickHouseClient, ClickHouseSettings } from '@clickhouse/client';
import { retried } from './retry.ts';

/** Identical rows may lie in several parts until they merge: money queries collapse them by FINAL, each partition of a table on its own. */
const FINAL_SETTINGS: ClickHouseSettings = {
  do_not_merge_across_partitions_select_final: 1,
  use_skip_indexes_if_final: 1,
};

export type QueryParams = Readonly<Record<string, unknown>>;

/** The rows of a query, each a tuple in the order of its columns. Asks again after failures that pass, also when the answer broke off. */
export function queryRows<Row extends readonly unknown[]>(
  client: ClickHouseClient,
  query: string,
  params: QueryParams,
): Promise<Row[]> {
  return retried(async () => {
    const answer = await client.query({
      query,
      query_params: { ...params },
      format: 'JSONCompact',
      clickhouse_settings: FINAL_SETTINGS,
    });
    return (await answer.json<Row>()).data;
  });
}

/** Runs a statement that leaves the same when it runs twice. */
export async function runIdempotent(client: ClickHouseClient, query: string, params: QueryParams = {}): Promise<void> {
  await retried(() => client.command({ query, query_params: { ...params }, clickhouse_settings: FINAL_SETTINGS }));
}
