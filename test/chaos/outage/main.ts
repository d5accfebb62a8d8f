/** `npm run outage`: see HELP. Exit code 1 on any difference. */
import { createWriteStream, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ownEnginesTrouble } from '../../cluster/index.ts';
import type { OutageEngine, OutageKind } from './judge.ts';
import { outagesReport } from './report.ts';
import { runOutages } from './run.ts';

const HELP = `Takes ClickHouse and then Kafka away from a cluster under load, and compares how ingest answers, what the services hold in memory, what
/readyz and the metrics say, and what is counted afterwards with what they must.

  npm run outage -- [options]

  --seconds <n>              how long each is away (default 60)
  --engines <names>          which, by commas: clickhouse, kafka (default both)
  --how <kill|refuse|hold>   killed (default); connections reset and refused; or connections kept and nothing answered
`;
const ENGINES: readonly OutageEngine[] = ['clickhouse', 'kafka'];
const KINDS: readonly OutageKind[] = ['kill', 'refuse', 'hold'];

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    engines: { type: 'string', default: ENGINES.join() },
    how: { type: 'string', default: 'kill' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const trouble = await ownEnginesTrouble();
if (trouble !== undefined) refuse(`It takes engines of its own away, and cannot start them: ${trouble}`);
const engines = values.engines.split(',').map((name) => oneOf('--engines', name, ENGINES));
const how = oneOf('--how', values.how, KINDS);
const seconds = Number(values.seconds);
if (!Number.isInteger(seconds) || seconds < 10) refuse('--seconds must be a whole number of 10 at least');

const logFile = path.join(mkdtempSync(path.join(tmpdir(), 'meterline-outage-')), 'services.log');
const log = createWriteStream(logFile);
const startedMs = performance.now();
const onProgress = (what: string): void =>
  void process.stdout.write(`${`${Math.round((performance.now() - startedMs) / 1000)} s`.padStart(6)}  ${what}\n`);
onProgress(`starting a cluster; services write to ${logFile}`);
const result = await runOutages({
  engines,
  downMs: seconds * 1000,
  how,
  onProgress,
  onLog: (from, line) => log.write(`${from} ${line}\n`),
});
process.stdout.write(`\n${outagesReport(result)}\n`);
process.exit(result.differences.length === 0 ? 0 : 1);

function oneOf<Name extends string>(option: string, value: string, names: readonly Name[]): Name {
  return names.find((name) => name === value.trim()) ?? refuse(`${option}: "${value}" is none of ${names.join(', ')}`);
}

function refuse(why: string): never {
  process.stderr.write(`${why}\n`);
  process.exit(1);
}
