/** `npm run chaos`: see HELP. Exit code 1 on any difference. */
import { parseArgs } from 'node:util';
import { report } from './report.ts';
import { runChaos } from './scenario.ts';

const HELP = `Kills the standalone server with SIGKILL again and again, at every step of its work in turn and at random moments, while customers send usage
and the clock of a sandbox takes subscriptions through changes, upgrades, trials and moves to other plan versions. What it then says of usage, alerts, invoices and subscriptions
is compared with a model that was told the same, and with its own reconciliation.

  npm run chaos -- [options]

  --kills <n>    how often (default 300, about an hour on two free cores)
  --seed <n>     what happens, drawn again (default at random; printed)
  --rate <n>     events a second

A folder with a difference is kept, and named.
`;
const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '300' },
    seed: { type: 'string' },
    rate: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
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
