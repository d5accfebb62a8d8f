import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Cluster } from '../../cluster/index.ts';
import { answer, child, ended } from '../processes.ts';
import { apiClient, setUp } from '../setup.ts';
import type { AggregatorLog } from './aggregator-log.ts';
import type { ClickhouseLimit } from './clickhouse-limit.ts';
import { cpuBetween, readCpu } from './cpu.ts';
import { startProfile } from './inspector.ts';
import type { KafkaLimit } from './kafka-limit.ts';
import { openMeasurements, type Measurements } from './measure.ts';
import type { Results } from './results.ts';
import { storageOf } from './storage.ts';
import { workOf } from './work-classes.ts';

export const PARTS = ['limits', 'one', 'work', 'two', 'http', 'growth', 'storage'] as const;
export type PartName = (typeof PARTS)[number];

interface Plan {
  readonly parts: readonly PartName[];
  /** Of each measurement. */
  readonly events: number;
  /** Most events stored. */
  readonly fill: number;
  readonly dataFolder: string;
  /** Of the first aggregator. */
  readonly aggregatorLog: AggregatorLog;
  readonly results: Results;
  /** Keeps the results so far. */
  keep(): void;
}

type Context = Plan & { readonly cluster: Cluster; readonly measurements: Measurements };

const CUSTOMERS = 100;
const WARMING_UP = 60_000;
/** Events stored, between which the cost of one is measured. */
const LEVELS = [1_000_000, 2_000_000, 5_000_000, 10_000_000, 20_000_000];

/** Runs the parts in their order, each leaving its figures in the results. */
export async function runParts(cluster: Cluster, plan: Plan): Promise<void> {
  const measurements = await openMeasurements(cluster);
  const context: Context = { ...plan, cluster, measurements };
  const stored = await measurements.committed();
  if (stored === 0) await setUp(apiClient(cluster.url, cluster.adminKey), CUSTOMERS);
  const seconds = await plan.aggregatorLog.warmSeconds;
  if (stored > 0) plan.results.warm = { stored, seconds };
  await measurements.feed('warming up', WARMING_UP);
  for (const part of PARTS) {
    if (!plan.parts.includes(part)) continue;
    await RUN[part](context);
    plan.keep();
  }
  await measurements.close();
}

const RUN: Readonly<Record<PartName, (context: Context) => Promise<void>>> = {
  async limits({ cluster, events, results }) {
    const kafka = await inChild<KafkaLimit>('cluster/kafka-limit.ts', cluster, events);
    const before = readCpu();
    const clickhouse = await inChild<ClickhouseLimit>('cluster/clickhouse-limit.ts', cluster, events);
    results.limits = { kafka, clickhouse, clickhouseMicros: cpuBetween(before, readCpu(), events).of('clickhouse') };
  },

  async one({ measurements, events, results }) {
    results.one = await measurements.fromKafka('Kafka to usage, 1 aggregator', events);
  },

  async work({ cluster, measurements, events, results, aggregatorLog, dataFolder }) {
    const pid = cluster.pid('aggregator', 0);
    if (pid === undefined) throw new Error('the aggregator does not run');
    const running = await startProfile(await aggregatorLog.openInspector(pid));
    const measured = await measurements.fromKafka('the same under a profile', events);
    const profile = await running.stop();
    writeFileSync(path.join(dataFolder, 'aggregator.cpuprofile'), JSON.stringify(profile));
    results.work = { events, threadMicros: measured.cpuMicros.aggregatorThread, seconds: Object.fromEntries(workOf(profile)) };
  },

  async two({ cluster, measurements, events, results }) {
    const index = await cluster.add('aggregator');
    await measurements.untilSharedBy(2);
    await measurements.feed('warming up', WARMING_UP);
    results.two = await measurements.fromKafka('Kafka to usage, 2 aggregators', events);
    await cluster.end('aggregator', index);
    await measurements.untilSharedBy(1);
  },

  async http({ measurements, events, results }) {
    results.http = await measurements.fromHttp('HTTP to usage', events);
  },

  async growth({ measurements, fill, results, keep }) {
    for (const level of [...LEVELS.filter((one) => one < fill), fill]) {
      const from = await measurements.committed();
      if (level <= from) continue;
      const measured = await measurements.fromKafka(`filling to ${level.toLocaleString('en')}`, level - from);
      results.growth.push({ from, to: level, measured });
      keep();
    }
  },

  async storage({ cluster, measurements, dataFolder, results }) {
    results.storage = { ...(await storageOf(cluster.env, dataFolder)), stored: await measurements.committed() };
  },
};

async function inChild<Limit>(script: string, cluster: Cluster, records: number): Promise<Limit> {
  const limits = child(script, cluster.env);
  limits.send(records);
  const limit = await answer<Limit>(limits);
  limits.disconnect();
  await ended(limits);
  return limit;
}
