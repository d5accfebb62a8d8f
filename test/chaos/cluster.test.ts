import { expect, it } from 'vitest';
import { ownEnginesTrouble } from '../cluster/index.ts';
import { onAvailable } from '../engines/index.ts';
import { clusterReport } from './cluster/report.ts';
import { runClusterChaos } from './cluster/scenario.ts';

const SEED = 20_261_122;
const KILLS = 9;

await onAvailable('chaos on a cluster', await ownEnginesTrouble(), () => {
  it('counts, alerts and bills everything acknowledged exactly once, whichever process or engine is killed, frozen or cut off', async () => {
    const result = await runClusterChaos({ kills: KILLS, seed: SEED, freezeMs: 10_000 });
    const told = clusterReport(result, 0);
    expect(result.differences, told).toEqual([]);
    expect([...result.kills.keys()].sort(), told).toEqual(
      ['aggregator', 'api', 'clickhouse', 'ingest', 'Kafka broker', 'postgres', 'rating-worker', 'redis'].sort(),
    );
    expect(result.takeoversMs.killed.length, told).toBeGreaterThan(0);
    expect(result.takeoversMs.frozen.length, told).toBeGreaterThan(0);
    expect(result.replays, told).toBe(1);
  }, 900_000);
});
