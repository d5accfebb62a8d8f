import type { Cut, SegmentLedger, SqlExecutor } from '@meterline/pipeline/ports';

/** What readers of usage may see of a log, by the billing store's account. */
export function usageVisibility(sql: SqlExecutor, ledger: Pick<SegmentLedger, 'committedCut'>, logId: string) {
  return {
    committedCut: (): Promise<Cut> => ledger.committedCut(logId),

    async rolledUp(cut: Cut): Promise<number[]> {
      const rows = await sql.query<{ partition: number; end_offset: string }>(
        `select rollup_range.partition, max(end_offset) as end_offset
         from rollup_range join unnest($2::bigint[]) with ordinality as cut (at, place) on rollup_range.partition = place - 1
         where log_id = $1 and state = 'committed' and end_offset <= cut.at group by rollup_range.partition`,
        [logId, cut],
      );
      const byPartition = new Map(rows.map((row) => [row.partition, Number(row.end_offset)]));
      return cut.map((_, partition) => byPartition.get(partition) ?? 0);
    },

    async backfills(tenant: string, meter: string): Promise<number[]> {
      const rows = await sql.query<{ id: number }>(
        `select id from meter_backfill where meter = $1 and state = 'complete' and tenant = $2`,
        [meter, tenant],
      );
      return rows.map(({ id }) => id);
    },
  };
}
