import { joinSegments } from '@meterline/pipeline/aggregation';
import type { Database, RollupLedger, SegmentManifest, SegmentRange, SqlExecutor } from '@meterline/pipeline/ports';

interface RangeRow {
  partition: number;
  start_offset: string;
  end_offset: string;
}

export function postgresRollupLedger(database: Database): RollupLedger {
  return {
    async unfinishedRollups(logId) {
      const sql = `select partition, start_offset, end_offset from rollup_range where log_id = $1 and state = 'planned' order by partition`;
      return (await database.query<RangeRow>(sql, [logId])).map(rangeOf);
    },
    planRollups: (logId, rule) => database.transaction((tx) => planRollups(tx, logId, rule)),
    commitRollup: (logId, range) => database.transaction((tx) => commitRollup(tx, logId, range)),
  };
}

/** What is rolled up needs no boundaries of its own any more: its many small segments become few, so the ledger stays small. */
async function commitRollup(tx: SqlExecutor, logId: string, { partition, start, end }: SegmentRange): Promise<void> {
  await tx.query(`update rollup_range set state = 'committed' where log_id = $1 and partition = $2 and start_offset = $3`, [
    logId,
    partition,
    start,
  ]);
  const rows = await tx.query<RangeRow & { config_version: string; manifest: SegmentManifest }>(
    `delete from segment where log_id = $1 and partition = $2 and start_offset >= $3 and end_offset <= $4 and state = 'sealed'
     returning partition, start_offset, end_offset, config_version, manifest`,
    [logId, partition, start, end],
  );
  const segments = rows.map((row) => ({ ...rangeOf(row), configVersion: Number(row.config_version), manifest: row.manifest }));
  for (const segment of joinSegments(segments)) {
    await tx.query(
      `insert into segment (log_id, partition, start_offset, end_offset, state, config_version, manifest) values ($1, $2, $3, $4, 'sealed', $5, $6::jsonb)`,
      [logId, partition, segment.start, segment.end, segment.configVersion, JSON.stringify(segment.manifest)],
    );
  }
}

/**
 * Sealed segments follow one another without a gap, so the first unsealed one ends the candidates. The leases are locked first: what another planner
 * took meanwhile is seen.
 */
async function planRollups(
  tx: SqlExecutor,
  logId: string,
  { segmentsMin, segmentsMax, olderThanMs, partitions }: Parameters<RollupLedger['planRollups']>[1],
): Promise<SegmentRange[]> {
  await tx.query(
    `select from lease where log_id = $1 and ($2::int[] is null or partition = any ($2::int[])) order by partition for update`,
    [logId, partitions ?? null],
  );
  const rows = await tx.query<RangeRow>(
    `with done as (
       select lease.partition, coalesce(max(rollup_range.end_offset), 0) as through, bool_or(rollup_range.state = 'planned') as busy
       from lease left join rollup_range on rollup_range.log_id = lease.log_id and rollup_range.partition = lease.partition
       where lease.log_id = $1 and ($5::int[] is null or lease.partition = any ($5::int[])) group by lease.partition
     ), candidate as (
       select segment.partition, start_offset, end_offset, (manifest ->> 'appendedThroughMs')::numeric as appended_ms,
         row_number() over (partition by segment.partition order by start_offset) as place
       from segment join done on done.partition = segment.partition and segment.start_offset >= done.through and done.busy is not true
       where log_id = $1 and state = 'sealed' and start_offset < coalesce(
         (select min(open.start_offset) from segment open
          where open.log_id = $1 and open.partition = segment.partition and open.state <> 'sealed'), 9223372036854775807)
     )
     insert into rollup_range (log_id, partition, start_offset, end_offset, state)
     select $1, partition, min(start_offset), max(end_offset), 'planned' from candidate where place <= $3
     group by partition having count(*) >= $2 or min(appended_ms) < $4
     returning partition, start_offset, end_offset`,
    [logId, segmentsMin, segmentsMax, olderThanMs, partitions ?? null],
  );
  return rows.map(rangeOf);
}

function rangeOf({ partition, start_offset, end_offset }: RangeRow): SegmentRange {
  return { partition, start: Number(start_offset), end: Number(end_offset) };
}
