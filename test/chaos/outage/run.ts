import { setTimeout as sleep } from 'node:timers/promises';
import { SERVICES, startCluster, type Cluster, type ServiceName } from '../../cluster/index.ts';
import { readCompose } from '../../deploy/compose.ts';
import type { Reconciliation } from '../checks.ts';
import { createClient, type Client } from '../client.ts';
import { ADMIN_KEY } from '../server-process.ts';
import { judge, type Bounds, type Outage, type OutageEngine, type OutageKind } from './judge.ts';
import { startLoad, type Answer } from './load.ts';
import { watchServices, type Sample } from './watch.ts';

export interface OutagesOptions {
  /** Which go away, one after the other. */
  readonly engines: readonly OutageEngine[];
  readonly downMs: number;
  readonly how: OutageKind;
  readonly onProgress?: (what: string) => void;
  readonly onLog?: (from: string, line: string) => void;
}

export interface OutagesReport {
  readonly outages: readonly Outage[];
  readonly answers: readonly Answer[];
  readonly samples: readonly Sample[];
  readonly bounds: Bounds;
  /** Events sent, all of them acknowledged in the end, and records that were duplicates of them. */
  readonly events: number;
  readonly duplicates: number;
  /** What was not as it must be; empty = passed. */
  readonly differences: readonly string[];
}

/** 2 MB a second. */
const LOAD = { requestsPerSecond: 20, eventsPerRequest: 50, payloadBytes: 2_000 };
const EVENTS_PER_SECOND = LOAD.requestsPerSecond * LOAD.eventsPerRequest;
const PARTITIONS = 4;
/** Before and after each outage. */
const STEADY_MS = 2_000;
const READY_MS_MAX = 45_000;
const COUNTED_MS_MAX = 120_000;
/** Of old objects, as V8 allows itself in a container of 768 MB; it would let them lie for longer on a larger machine. */
const NODE_OPTIONS = '--max-old-space-size=384';

/** Takes engines away under load, and compares what came of it with what ingest must answer and count. */
export async function runOutages(options: OutagesOptions): Promise<OutagesReport> {
  const { engines, downMs, how, onProgress = () => undefined, onLog = () => undefined } = options;
  const bounds = boundsOf(downMs);
  const cluster = await startCluster({
    partitions: PARTITIONS,
    links: how !== 'kill',
    env: {
      METERLINE_ADMIN_KEY: ADMIN_KEY,
      METERLINE_INGEST_LAG_EVENTS_MAX: String(bounds.lagEventsMax),
      METERLINE_INGEST_IN_FLIGHT_BYTES_MAX: String(bounds.inFlightBytesMax),
      NODE_OPTIONS,
    },
    onLog,
  });
  const outages: Outage[] = [];
  try {
    const client = createClient(cluster.url);
    await client.post('/v1/meters', { key: 'calls', name: 'Calls', eventType: 'call', aggregation: 'count' });
    const watch = watchServices(cluster);
    const load = startLoad({ ...LOAD, url: cluster.urls.ingest[0] ?? '' });
    await sleep(STEADY_MS);
    for (const engine of engines) {
      onProgress(`${engine} is away for ${downMs / 1000} s`);
      await takeAway(cluster, engine, how);
      const startedMs = performance.now();
      await sleep(downMs);
      const endedMs = performance.now();
      await bringBack(cluster, engine, how);
      onProgress(`${engine} is back`);
      outages.push({ engine, how, startedMs, endedMs, readyMs: await untilReady(cluster) });
      await sleep(STEADY_MS);
    }
    onProgress('sending what was refused');
    const events = await load.drain();
    onProgress('comparing');
    const { duplicates, found } = await counted(client, createClient(cluster.urls.ingest[0] ?? ''), events);
    await watch.stop();
    const { answers } = load;
    const { samples } = watch;
    return {
      outages,
      answers,
      samples,
      bounds,
      events,
      duplicates,
      differences: [...judge(outages, answers, samples, bounds), ...found],
    };
  } finally {
    await cluster.stop();
  }
}

/** Limits that are reached while an engine is away, and as much memory as the containers of docker-compose.yml have: beyond it they are killed. */
function boundsOf(downMs: number): Bounds {
  const { services } = readCompose();
  const memoryOf = (service: ServiceName): number => {
    const [, amount, unit] = /^(\d+)([mg])$/.exec(services[service]?.deploy?.resources?.limits?.memory ?? '') ?? [];
    return Number(amount) * 2 ** (unit === 'g' ? 30 : 20);
  };
  return {
    lagEventsMax: Math.floor((EVENTS_PER_SECOND * downMs * 0.5) / 1000),
    inFlightBytesMax: 16_000_000,
    residentBytesMax: Object.fromEntries(SERVICES.map((service) => [service, memoryOf(service)])) as Bounds['residentBytesMax'],
    readyAgainMsMax: READY_MS_MAX,
  };
}

async function takeAway(cluster: Cluster, engine: OutageEngine, how: OutageKind): Promise<void> {
  const { kill, links } = cluster.engines[engine];
  if (how === 'kill') await kill();
  else for (const link of links) link.set({ kind: how });
}

async function bringBack(cluster: Cluster, engine: OutageEngine, how: OutageKind): Promise<void> {
  const { start, links } = cluster.engines[engine];
  if (how === 'kill') await start();
  else for (const link of links) link.set({ kind: 'none' });
}

/** When every service was ready again, or the wait was given up. */
async function untilReady({ urls }: Cluster): Promise<number> {
  const giveUpMs = performance.now() + READY_MS_MAX;
  const all = Object.values(urls).flat();
  for (;;) {
    const answers = await Promise.all(all.map((url) => fetch(`${url}/readyz`)));
    if (answers.every(({ ok }) => ok) || performance.now() > giveUpMs) return performance.now();
    await sleep(100);
  }
}

/** Waits until everything is usage, and compares it with the number of events acknowledged. */
async function counted(client: Client, ingest: Client, events: number): Promise<{ duplicates: number; found: string[] }> {
  const { holds, invariants } = await reconciled(client, ingest);
  const { rows } = await client.get<{ rows: { value: string }[] }>(
    '/v1/meters/calls/usage?from=2020-01-01T00:00:00Z&to=2040-01-01T00:00:00Z',
  );
  const found = invariants.flatMap(({ name, differences }) =>
    differences.map((difference) => `reconcile, ${name}: ${difference}`),
  );
  if (!holds && found.length === 0) found.push('reconciliation does not hold');
  if (rows[0]?.value !== String(events)) found.push(`${rows[0]?.value} events are usage, ${events} were acknowledged`);
  const { accepted, duplicate, conflict, rejected } = invariants.find(({ counts }) => 'accepted' in counts)?.counts ?? {};
  if (accepted !== events) found.push(`${accepted} records are accepted, ${events} events were acknowledged`);
  if (conflict !== 0 || rejected !== 0) found.push(`${conflict} records in conflict, ${rejected} rejected`);
  return { duplicates: Number(duplicate), found };
}

/** Once everything is usage. Reading all there is takes seconds, so the backlog is watched first; what it says is half a second old. */
async function reconciled(client: Client, ingest: Client): Promise<Reconciliation> {
  const giveUpMs = performance.now() + COUNTED_MS_MAX;
  for (;;) {
    while ((await ingest.metric('meterline_ingest_lag_events')) > 0 && performance.now() < giveUpMs) await sleep(250);
    const reconciliation = await client.get<Reconciliation>('/v1/reconciliation');
    if (Number(reconciliation.invariants[0]?.counts['pending']) === 0 || performance.now() > giveUpMs) return reconciliation;
  }
}
