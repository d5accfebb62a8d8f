import { expect, it } from 'vitest';
import { ownEnginesTrouble } from '../cluster/index.ts';
import { onAvailable } from '../engines/index.ts';
import { outagesReport } from './outage/report.ts';
import { runOutages } from './outage/run.ts';

await onAvailable('outages of a cluster', await ownEnginesTrouble(), () => {
  it('answers as documented, keeps its memory bounded and counts everything accepted, with ClickHouse or Kafka away under load', async () => {
    const result = await runOutages({ engines: ['clickhouse', 'kafka'], downMs: 12_000, how: 'kill' });
    expect(result.differences, outagesReport(result)).toEqual([]);
  }, 600_000);
});
