/** `npm run chaos:cluster -- [--kills N] [--seed S] [--rate R]`: exit code 1 on any difference. */
import { parseArgs } from 'node:util';
import { ownEnginesTrouble } from '../../cluster/index.ts';
import { clusterReport } from './report.ts';
import { runClusterChaos } from './scenario.ts';

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '100' }, seed: { type: 'string' }, rate: { type: 'string' } },
});
const trouble = await ownEnginesTrouble();
if (trouble !== undefined) {
  process.stderr.write(`It kills engines of its own, and cannot start them: ${trouble}\n`);
  process.exit(1);
}
const kills = Number(values.kills);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const startedMs = performance.now();
process.stdout.write(`chaos on a cluster: ${kills} kills, seed ${seed}\n`);

const result = await runClusterChaos({
  kills,
  seed,
  ...(values.rate !== undefined && { eventsPerSecond: Number(values.rate) }),
  onProgress(done, what) {
    const filled = Math.min(30, Math.round((done / kills) * 30));
    const line = `[${'#'.repeat(filled)}${'.'.repeat(30 - filled)}] ${done}/${kills} ${Math.round((performance.now() - startedMs) / 1000)} s  ${what}`;
    process.stdout.write(process.stdout.isTTY ? `\r\u001b[2K${line}` : `${line}\n`);
  },
});
process.stdout.write(`\n${clusterReport(result, performance.now() - startedMs)}\n`);
process.exit(result.differences.length === 0 ? 0 : 1);
