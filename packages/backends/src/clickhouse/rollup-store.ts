import type { ClickHouseClient } from '@clickhouse/client';
import type { RollupStore, SegmentRange } from '@meterline/pipeline/ports';
import { queryRows, runIdempotent } from './rows.ts';

const COLUMNS =
  'tenant, meter, aggregation, subject, hour, dims, partition, range_start, gross, voids, value, latest_at, latest_offset, uniques';

/** Deltas of a range folded by series and hour; deterministic, so that writing it twice is writing it once. */
const FOLDED = `
  select tenant, meter, aggregation, subject, hour, dims, partition, {start:UInt64} as range_start, sum(added) as gross, sum(taken) as voids,
    multiIf(aggregation = 'max', maxIf(amount, added > 0), aggregation = 'min', minIf(amount, added > 0),
            aggregation = 'latest', argMaxIf(amount, (at, amount), added > 0), sum(amount)) as value,
    max(at) as latest_at, argMax(o, (at, amount, o)) as latest_offset, arraySort(groupUniqArrayArray(keys)) as uniques
  from (
    select tenant, meter, aggregation, subject, toStartOfHour(minute) as hour, dims, partition,
      gross as added, voids as taken, value as amount, latest_at as at, latest_offset as o, uniques as keys
    from usage_delta final
    where partition = {partition:UInt16} and segment_start >= {start:UInt64} and segment_start < {end:UInt64} and origin = 0
  )
  group by tenant, meter, aggregation, subject, hour, dims, partition`;

const STORED = `select ${COLUMNS} from usage_rollup final where partition = {partition:UInt16} and range_start = {start:UInt64}`;

export function clickhouseRollupStore(client: ClickHouseClient): RollupStore {
  async function identity(rows: string, range: SegmentRange): Promise<string> {
    const query = `select count(), groupBitXor(cityHash64(tuple(*))) from (select ${COLUMNS} from (${rows}))`;
    return JSON.stringify(await queryRows(client, query, { ...range }));
  }

  return {
    async writeRollup(range) {
      const query = `insert into usage_rollup (${COLUMNS}) select ${COLUMNS} from (${FOLDED})`;
      await runIdempotent(client, query, { ...range });
    },
    async rollupMatches(range) {
      return (await identity(FOLDED, range)) === (await identity(STORED, range));
    },
  };
}
