import { openPostgres } from '@meterline/backends/postgres';
import type { Cluster } from '../../cluster/index.ts';
import type { LoadPace } from '../load.ts';
import { answer, child, ended } from '../processes.ts';
import { progress } from '../progress.ts';
import { sendLoad } from '../send-load.ts';
import { cpuBetween, machineCpuMs, readCpu, readMemory } from './cpu.ts';
import type { FeedOrder, FeedProgress, FeedResult } from './feed.ts';

/** What it took to turn records into committed usage. CPU in microseconds an event, NaN where the machine does not say. */
export interface Measured {
  readonly events: number;
  readonly eventsPerSecond: number;
  /** Cores that were busy meanwhile with what is no part of this; it should be none. */
  readonly foreignCores: number;
  readonly cpuMicros: Readonly<
    Record<'aggregator' | 'aggregatorThread' | 'clickhouse' | 'merges' | 'kafka' | 'postgres' | 'rest' | 'load', number>
  >;
  /** Resident at the end. Shared pages of PostgreSQL count for each of its processes. */
  readonly residentBytes: Readonly<Record<'aggregator' | 'clickhouse' | 'kafka' | 'postgres', number>>;
}

/** Records in the log and not yet usage, at most. */
const AHEAD_MAX = 150_000;
const PACE_MS = 100;
/** Times, a second apart, that the billing store may be out of reach: on a machine that is too busy. */
const ASK_AGAIN_MAX = 60;
/** All but the load, which is read apart. */
const PARTS_MEASURED = ['aggregator', 'ingest', 'rating-worker', 'api', 'clickhouse', 'kafka', 'postgres', 'redis'] as const;
const FEED = 'cluster/feed.ts';

/** Measurements on a running cluster, which nobody else uses. */
export async function openMeasurements(cluster: Cluster) {
  const database = await openPostgres({ url: cluster.env['METERLINE_POSTGRES_URL'] ?? '', poolMax: 1, onError: () => undefined });
  const runId = Date.now().toString(36);
  let runs = 0;
  let asking: Promise<number> | undefined;

  /** Records that are usage by now. Who asks while the answer to another is under way shares it: on a busy machine questions would pile up. */
  function committed(): Promise<number> {
    asking ??= ask().finally(() => (asking = undefined));
    return asking;
  }

  async function ask(): Promise<number> {
    for (let failures = 0; ; failures += 1) {
      try {
        return await countCommitted();
      } catch (error) {
        if (failures === ASK_AGAIN_MAX) throw error;
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      }
    }
  }

  async function countCommitted(): Promise<number> {
    const [row] = await database.query<{ records: number }>('select coalesce(sum(next_offset), 0)::float8 as records from lease');
    return row?.records ?? 0;
  }

  async function untilCommitted(records: number): Promise<void> {
    while ((await committed()) < records) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** Feeds the topic from a process of its own until all of it is usage; answers when that began. */
  async function feed(label: string, records: number): Promise<number> {
    const before = await committed();
    const feeder = child(FEED, cluster.env);
    await answer(feeder, (message) => message !== 'open');
    runs += 1;
    feeder.send({ run: `${runId}${runs}`, records, aheadMax: AHEAD_MAX } satisfies FeedOrder);
    const bar = progress(label, records);
    const tell = async (): Promise<void> => {
      const count = (await committed()) - before;
      bar.at(count);
      if (feeder.connected) feeder.send({ committed: count } satisfies LoadPace);
    };
    const pacing = setInterval(() => void tell(), PACE_MS);
    const { startedMs } = await answer<FeedResult>(feeder, (message) => 'appended' in (message as FeedProgress));
    await untilCommitted(before + records);
    clearInterval(pacing);
    bar.end();
    feeder.disconnect();
    await ended(feeder);
    return startedMs;
  }

  /** What `work` does with `events` events, until all are usage. Answered by `work`: when it began. */
  async function measured(events: number, work: () => Promise<number>): Promise<Measured> {
    const before = readCpu();
    const machineBeforeMs = machineCpuMs();
    const ownBefore = process.cpuUsage();
    // A process that ends takes its CPU with it: the load's is read while it is there.
    let load = 0;
    const watching = setInterval(() => {
      load = Math.max(load, cpuBetween(before, readCpu(), events).of('load'));
    }, PACE_MS * 5);
    const startedMs = await work();
    const seconds = (Date.now() - startedMs) / 1000;
    clearInterval(watching);
    const after = readCpu();
    const spent = cpuBetween(before, after, events);
    const { user, system } = process.cpuUsage(ownBefore);
    const machineMicros = (machineCpuMs() - machineBeforeMs) * 1000;
    const oursMicros = user + system + events * (load + PARTS_MEASURED.reduce((sum, part) => sum + spent.of(part), 0));
    const memory = readMemory();
    const merges = spent.ofThreads('clickhouse', /^(MergeMutate|Merge)/);
    return {
      events,
      eventsPerSecond: events / seconds,
      foreignCores: Math.max(0, machineMicros - oursMicros) / 1e6 / seconds,
      cpuMicros: {
        aggregator: spent.of('aggregator'),
        aggregatorThread: spent.ofThreads('aggregator', /^main$/),
        clickhouse: spent.of('clickhouse') - merges,
        merges,
        kafka: spent.of('kafka'),
        postgres: spent.of('postgres'),
        rest: spent.of('ingest') + spent.of('rating-worker') + spent.of('api') + spent.of('redis'),
        load,
      },
      residentBytes: {
        aggregator: memory.get('aggregator') ?? Number.NaN,
        clickhouse: memory.get('clickhouse') ?? Number.NaN,
        kafka: memory.get('kafka') ?? Number.NaN,
        postgres: memory.get('postgres') ?? Number.NaN,
      },
    };
  }

  return {
    committed,
    feed,
    fromKafka: (label: string, records: number) => measured(records, () => feed(label, records)),
    fromHttp: (label: string, events: number) =>
      measured(events, async () => {
        const before = await committed();
        runs += 1;
        const target = { url: cluster.urls.ingest[0] ?? '', key: cluster.adminKey };
        const order = { run: `${runId}${runs}`, first: 0, events, aheadMax: AHEAD_MAX };
        const { startedMs } = await sendLoad(target, label, order, async () => (await committed()) - before);
        await untilCommitted(before + events);
        return startedMs;
      }),
    /** Resolves when `members` aggregators share the partitions evenly. */
    async untilSharedBy(members: number): Promise<void> {
      for (;;) {
        const owners = await database.query<{ held: number }>(
          `select count(*)::int as held from lease where owner <> '' group by owner`,
        );
        const held = owners.map((row) => row.held);
        if (held.length === members && Math.max(...held) - Math.min(...held) <= 1) return;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
    close: () => database.close(),
  };
}

export type Measurements = Awaited<ReturnType<typeof openMeasurements>>;
