/** `npm run bench:cluster`: see HELP. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startCluster } from '../../cluster/index.ts';
import { putIntoDocument } from '../document.ts';
import { watchAggregatorLog } from './aggregator-log.ts';
import { PARTS, runParts, type PartName } from './parts.ts';
import { markdown } from './report.ts';
import { openResults } from './results.ts';

const HELP = `Measures the distributed services on this machine: Kafka, ClickHouse, PostgreSQL and Redis as "npm run cluster" starts them.

  npm run bench:cluster                        about four minutes on 2 cores
  npm run bench:cluster -- --events 200000     smaller measurements (default 500,000 events each)
  npm run bench:cluster -- --fill 20000000     the cost of an event as 1, 5, 20 million are stored (default 2,000,000)
  npm run bench:cluster -- --only one,limits   some parts only, see below
  npm run bench:cluster -- --data <folder>     keeps the cluster and the results, and goes on with them next time: a long fill can be
                                               done in several runs. aggregator.cpuprofile, for a browser's DevTools, is there too
  npm run bench:cluster -- --write             also puts the tables into docs/guides/scaling.md

Parts
  limits   kafkajs alone, our Kafka requests alone, ClickHouse inserts alone, each with the records or rows of the others
  one      Kafka to committed usage with one aggregator
  work     the same under a CPU profile of the aggregator
  two      with two aggregators
  http     from HTTP, through one ingest and one aggregator
  growth   the cost of an event while more and more are stored, up to --fill
  storage  bytes on disk

Apart from "http", a process of the benchmark writes to Kafka directly (the EventLog port, as ingest does), so that HTTP is no limit; it stays
150,000 records ahead of usage at most. One record in a hundred is a repetition. All processes share this machine's cores.
`;

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '500000' },
    fill: { type: 'string', default: '2000000' },
    only: { type: 'string', default: PARTS.join() },
    data: { type: 'string' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

const parts = values.only.split(',').map(partNamed);
const events = wholeNumber('events');
const fill = wholeNumber('fill');
const dataFolder = values.data ?? mkdtempSync(path.join(tmpdir(), 'meterline-bench-'));
mkdirSync(dataFolder, { recursive: true });
if (values.data === undefined) process.once('exit', () => rmSync(dataFolder, { recursive: true, force: true }));

const machine = `${cpus()[0]?.model.trim() ?? 'unknown'}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}`;
const kept = openResults(dataFolder, machine);
process.stdout.write(`Meterline cluster benchmark: ${parts.join(', ')}; ${machine}\nstarting engines and services\n`);

const aggregatorLog = watchAggregatorLog();
const cluster = await startCluster({
  dataFolder,
  env: { METERLINE_INGEST_LAG_EVENTS_MAX: '0', METERLINE_LOG_LEVEL: 'debug', NODE_OPTIONS: '--inspect-port=0' },
  onLog(from, line) {
    if (from === 'aggregator-0') aggregatorLog.line(line);
    // kafkajs calls an error what is tried again
    if (/"level":"(error|fatal)"/.test(line) && !line.includes('"logger":"kafkajs"')) process.stderr.write(`${from}: ${line}\n`);
  },
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void cluster.stop().then(() => process.exit(1)));
try {
  await runParts(cluster, { parts, events, fill, dataFolder, aggregatorLog, ...kept });
} finally {
  await cluster.stop();
}
const tables = markdown(kept.results);
process.stdout.write(`\n${tables}`);
if (values.write) await putIntoDocument('docs/guides/scaling.md', 'bench-cluster', tables);
process.exit(0);

function partNamed(name: string): PartName {
  const part = PARTS.find((one) => one === name.trim());
  return part ?? refuse(`--only: "${name}" is no part; there are ${PARTS.join(', ')}`);
}

function wholeNumber(option: 'events' | 'fill'): number {
  const number = Number(values[option].replaceAll('_', '').replaceAll(',', ''));
  if (Number.isInteger(number) && number >= 20_000) return number;
  return refuse(`--${option} must be a whole number of 20000 at least, but is "${values[option]}"`);
}

function refuse(why: string): never {
  process.stderr.write(`${why}\n`);
  process.exit(1);
}
