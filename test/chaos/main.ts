/** `node test/chaos/main.ts --kills N [--seed S]`: exit code 1 on any difference. */
import { parseArgs } from 'node:util';
import { report } from './report.ts';
import { runChaos } from './scenario.ts';

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '30' }, seed: { type: 'string' }, rate: { type: 'string' } },
});
const kills = Number(values.kills);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const startedMs = performance.now();
process.stdout.write(`chaos: ${kills} kills, seed ${seed}\n`);

const result = await runChaos({
  kills,
  seed,
  ...(values.rate !== undefined && { eventsPerSecond: Number(values.rate) }),
  onProgress(done, what) {
    const filled = Math.round((done / kills) * 30);
    const line = `[${'#'.repeat(filled)}${'.'.repeat(30 - filled)}] ${done}/${kills} ${Math.round((performance.now() - startedMs) / 1000)} s  ${what}`;
    process.stdout.write(process.stdout.isTTY ? `\r\u001b[2K${line}` : `${line}\n`);
  },
});
process.stdout.write(`\n${report(result, performance.now() - startedMs)}\n`);
process.exit(result.differences.length === 0 ? 0 : 1);
