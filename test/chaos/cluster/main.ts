/** `npm run chaos:cluster`: see HELP. Exit code 1 on any difference. */
import { parseArgs } from 'node:util';
import { ownEnginesTrouble } from '../../cluster/index.ts';
import { clusterReport } from './report.ts';
import { runClusterChaos } from './scenario.ts';

const HELP = `Kills services and engines of a cluster with SIGKILL, one after the other, while customers send usage, and compares usage, alerts and invoices
with a model that was told the same. The engines are its own: Kafka, ClickHouse, PostgreSQL and Redis as "npm run cluster" starts them.

  npm run chaos:cluster -- [options]

  --kills <n>    how often (default 100)
  --seed <n>     what happens, drawn again (default at random; printed)
  --rate <n>     events a second
`;
const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '100' },
    seed: { type: 'string' },
    rate: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
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
