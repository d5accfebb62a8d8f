import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { alertLatency } from './alert-latency.ts';
import { answer, child, ended, peakMemory, startServer } from './processes.ts';
import type { EngineLimit } from './engines.ts';
import { SUBJECTS } from './events.ts';
import { progress } from './progress.ts';
import { writeReport, type BenchResult } from './report.ts';
import { sendLoad } from './send-load.ts';
import { apiClient, setUp, type ApiClient } from './setup.ts';

const HELP = `Measures the standalone server on this machine, beside what its engines do alone with the same rows.

  npm run bench                          10 million events; takes 5 to 10 minutes on 2 cores
  npm run bench -- --events 1000000      fewer
  npm run bench -- --write               also puts the table into README.md

The load generator runs on the same machine and shares its cores.
`;

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '10000000' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

const EVENTS = Number(values.events);
const INGEST_EVENTS = Math.min(EVENTS, 500_000);
const ENGINE_SEGMENTS = 30;
const KEY = 'mk_test_bench_0123456789abcdef';
const QUERIES = 200;
/** Events acknowledged and not yet usage, at most, in the sustained run. */
const AHEAD_MAX = 100_000;

async function committedRecords(api: ApiClient): Promise<number> {
  const { asOf } = await api.get<{ asOf: { cut: number[] } }>('/v1/meters/minutes/usage?subject=none');
  return asOf.cut.reduce((sum, one) => sum + one, 0);
}

/** Waits until `records` of the log are usage, and says when that was. */
async function committed(api: ApiClient, records: number): Promise<number> {
  const bar = progress('waiting until all of it is usage', records);
  for (;;) {
    const cut = await committedRecords(api);
    bar.at(cut);
    if (cut >= records) {
      bar.end();
      return Date.now();
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function queryLatency(api: ApiClient): Promise<{ p50Ms: number; p99Ms: number }> {
  const from = new Date(Date.now() - 30 * 86_400_000).toISOString().slice(0, 10);
  const times: number[] = [];
  for (let n = 0; n < QUERIES; n += 1) {
    const startedMs = performance.now();
    await api.get(`/v1/meters/minutes/usage?subject=customer-${(n * 7919) % SUBJECTS}&from=${from}T00:00:00Z`);
    times.push(performance.now() - startedMs);
  }
  times.sort((a, b) => a - b);
  return { p50Ms: times[QUERIES / 2] ?? 0, p99Ms: times[Math.floor(QUERIES * 0.99)] ?? 0 };
}

async function engineLimit(): Promise<EngineLimit> {
  const engines = child('engines.ts');
  engines.send(ENGINE_SEGMENTS);
  const limit = await answer<EngineLimit>(engines);
  engines.disconnect();
  await ended(engines);
  return limit;
}

const folder = mkdtempSync(path.join(tmpdir(), 'meterline-bench-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
process.stdout.write(
  `Meterline benchmark: ${EVENTS.toLocaleString('en')} events, ${cpus().length} cores (shared with the load generator)\n`,
);

const enginesBefore = await engineLimit();
let server = await startServer(folder, KEY);
const firstReadyMs = server.readyMs;
const target = { url: server.url, key: KEY };
const api = apiClient(server.url, KEY);
await setUp(api, 100);
await sendLoad(target, 'warming up', { run: 'warm', first: 0, events: 50_000 });
await committed(api, 50_000);

server.process.send('hold');
const ingest = await sendLoad(target, 'ingest alone', { run: 'ingest', first: 0, events: INGEST_EVENTS });
server.process.send('release');
await committed(api, 50_000 + INGEST_EVENTS);

const before = 50_000 + INGEST_EVENTS;
const order = { run: 'usage', first: 0, events: EVENTS, aheadMax: AHEAD_MAX };
const sustained = await sendLoad(target, 'HTTP to usage', order, async () => (await committedRecords(api)) - before);
const doneMs = await committed(api, before + EVENTS);
const query = await queryLatency(api);
const latency = await alertLatency(api, server.url, KEY, { eventsPerSecond: 2_000, seconds: 20 });
const peakBytes = peakMemory(server.process.pid ?? 0);

server.process.kill('SIGTERM');
await ended(server.process);
server = await startServer(folder, KEY);
const secondReadyMs = server.readyMs;
server.process.kill('SIGTERM');
await ended(server.process);
const enginesAfter = await engineLimit();

const result: BenchResult = {
  machine: `${cpus()[0]?.model.trim() ?? 'unknown'}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}`,
  events: EVENTS,
  engines: (enginesBefore.eventsPerSecond + enginesAfter.eventsPerSecond) / 2,
  enginesPeakBytes: Math.max(enginesBefore.rssBytes, enginesAfter.rssBytes),
  sustained: (EVENTS * 1000) / (doneMs - sustained.startedMs),
  ingest: (INGEST_EVENTS * 1000) / (ingest.endedMs - ingest.startedMs),
  ingestMs: ingest.requestMs,
  query,
  latency,
  peakBytes,
  firstReadyMs,
  secondReadyMs,
};
await writeReport(result, values.write);
