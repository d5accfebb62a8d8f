import { createWriteStream, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SERVICES, startCluster, untilScreening, watchLeases, type LeaseWatch } from '../../cluster/index.ts';
import { seededRandom } from '../../support/usage-model.ts';
import { METERS, setUp } from '../catalog.ts';
import { createBillingModel } from '../checks.ts';
import { createClient } from '../client.ts';
import { createModel } from '../model.ts';
import { monthOf } from '../months.ts';
import { startReceiver } from '../receiver.ts';
import { ADMIN_KEY } from '../server-process.ts';
import { createTraffic } from '../traffic.ts';
import { createDriverClock, createVerification } from '../verification.ts';
import { createTally, killsOf, perform, type Tally } from './acts.ts';
import { BROKERS, planRounds, PROCESSES, type Act, type Round } from './plan.ts';
import { replayTopic } from './replay.ts';

export interface ClusterChaosOptions {
  readonly kills: number;
  readonly seed: number;
  readonly eventsPerSecond?: number;
  /** How long a frozen process is left so; others believe it dead after 6 s. */
  readonly freezeMs?: number;
  readonly onProgress?: (kills: number, what: string) => void;
}

export interface ClusterChaosReport extends Tally {
  readonly seed: number;
  readonly rounds: number;
  readonly replays: number;
  readonly counts: Readonly<Record<string, number>>;
  /** What was not as it must be; empty = passed. */
  readonly differences: readonly string[];
  /** What the services wrote; kept after a failure. */
  readonly logFile: string;
}

const PARTITIONS = 6;
const START = Date.parse('2026-03-30T12:00:00Z');
const SUBSCRIBED_FROM = '2026-03-01T00:00:00Z';
/** The invoice schedule's time after the end of a month. */
const INVOICED_AFTER_MS = 5 * 60_000 + 1_000;

/** Kills, freezes and cuts off services and engines of a whole cluster under load, and compares everything with a model of its own after each round. */
export async function runClusterChaos(options: ClusterChaosOptions): Promise<ClusterChaosReport> {
  const { seed, eventsPerSecond = 60, freezeMs = 30_000 } = options;
  const random = seededRandom(seed);
  const folder = mkdtempSync(path.join(tmpdir(), 'meterline-chaos-cluster-'));
  const logFile = path.join(folder, 'services.log');
  const log = createWriteStream(logFile);
  const tally = createTally();
  const onProgress = (what: string): void => {
    log.write(`--- ${new Date().toISOString()} ${what}\n`);
    options.onProgress?.(killsOf(tally), what);
  };
  const clock = createDriverClock(START);
  const model = createModel();
  const billing = createBillingModel(model);
  const receiver = await startReceiver(random);
  const cluster = await startCluster({
    ingests: PROCESSES.ingest,
    apis: PROCESSES.api,
    aggregators: PROCESSES.aggregator,
    ratingWorkers: PROCESSES['rating-worker'],
    brokers: BROKERS,
    partitions: PARTITIONS,
    links: true,
    env: {
      METERLINE_ADMIN_KEY: ADMIN_KEY,
      METERLINE_TEST_CLOCK: new Date(clock.nowMs()).toISOString(),
      METERLINE_LOG_LEVEL: 'info',
    },
    onLog: (from, line) => log.write(`${from} ${line}\n`),
  });
  const client = createClient(cluster.url);
  const traffic = createTraffic({ url: cluster.url, client, model, random, nowMs: clock.nowMs, eventsPerSecond });
  const verification = createVerification({ client, model, billing, traffic, receiver, clock });
  const { differences } = verification;
  const month = monthOf(START);
  let leases: LeaseWatch | undefined;
  let replays = 0;
  let rounds = 0;

  async function suffer(acts: readonly Act[], watch: LeaseWatch): Promise<void> {
    for (const act of acts) await perform(act, { cluster, leases: watch, tally, freezeMs, onProgress });
  }

  async function underTraffic(how: { corrections: boolean; earliestMs: number }, work: () => Promise<unknown>): Promise<void> {
    const stop = new AbortController();
    const flowing = traffic.run(how, stop.signal);
    await work().finally(() => stop.abort());
    await flowing;
  }

  async function play(round: Round, watch: LeaseWatch): Promise<void> {
    await underTraffic({ corrections: true, earliestMs: 0 }, async () => {
      await Promise.all([suffer(round.aggregators, watch), suffer(round.others, watch)]);
      for (const service of SERVICES)
        for (const index of cluster.urls[service].keys())
          if (!cluster.isRunning(service, index)) differences.push(`${service} ${index} ended by itself`);
      if (!round.replays) return;
      onProgress('replaying the topic as a new log');
      await replayTopic(cluster, (line) => log.write(`replay ${line}\n`));
      replays += 1;
    });
    onProgress('comparing');
    await verification.check(month);
    rounds += 1;
  }

  /** The month ends while rating workers and Redis die. */
  async function invoice(watch: LeaseWatch): Promise<void> {
    billing.bill(month);
    await verification.moveTo(month.toMs + INVOICED_AFTER_MS);
    const killing: Act[] = [
      { kind: 'kill', service: 'rating-worker', index: 0 },
      { kind: 'kill engine', engine: 'redis', index: 0, downMs: 500 },
      { kind: 'kill', service: 'rating-worker', index: 1 },
    ];
    await underTraffic({ corrections: false, earliestMs: month.toMs }, () => suffer(killing, watch));
    onProgress('comparing invoices');
    await verification.checkInvoices();
    await verification.check(monthOf(month.toMs));
  }

  try {
    leases = await watchLeases(cluster.env['METERLINE_POSTGRES_URL'] ?? '');
    await setUp(client, receiver.url, SUBSCRIBED_FROM);
    await untilScreening(cluster, METERS.length);
    for (const round of planRounds(options.kills, random)) {
      await play(round, leases);
      if (differences.length > 0) break;
    }
    if (differences.length === 0) await invoice(leases);
  } catch (error) {
    differences.push(`the run broke off: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  } finally {
    await leases?.close();
    await cluster.stop();
    await Promise.all([traffic.close(), receiver.close()]);
    log.end();
  }
  const { sent, retried } = traffic.sdkCounters();
  const counts = {
    ...traffic.counts,
    acknowledged: sent,
    retried,
    invoices: billing.invoices(),
    webhooks: receiver.messages.size,
    deliveries: receiver.deliveries(),
  };
  if (differences.length === 0) await rm(folder, { recursive: true, force: true });
  return { ...tally, seed, rounds, replays, counts, differences, logFile };
}
