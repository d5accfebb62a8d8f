import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../support/usage-model.ts';
import { setUp } from './catalog.ts';
import { createBillingModel } from './checks.ts';
import { createClient } from './client.ts';
import { planKills, type Kill } from './kills.ts';
import { openLife, type Life } from './life/play.ts';
import { isLifeStep } from './life/steps.ts';
import { createModel } from './model.ts';
import { monthOf, type Month } from './months.ts';
import { startReceiver } from './receiver.ts';
import { freePort, startServer, type RunningServer } from './server-process.ts';
import { createTraffic } from './traffic.ts';
import { createDriverClock, createVerification } from './verification.ts';

export interface ChaosOptions {
  readonly kills: number;
  readonly seed: number;
  readonly eventsPerSecond?: number;
  readonly onProgress?: (kills: number, what: string) => void;
}

export interface ChaosReport {
  readonly seed: number;
  readonly kills: ReadonlyMap<string, number>;
  readonly recoveriesMs: readonly number[];
  readonly counts: Readonly<Record<string, number>>;
  /** What was not as it must be; empty = passed. */
  readonly differences: readonly string[];
  /** Kept after a failure. */
  readonly folder: string;
}

const PARTITIONS = 3;
const START = Date.parse('2026-03-30T12:00:00Z');
const SUBSCRIBED_FROM = '2026-03-01T00:00:00Z';
/** On the server's clock, which goes on by this at every restart: leases and claims of the killed process lapse. */
const RESTART_TAKES_MS = 61_000;
/** Makes sealed segments old enough to be compacted. */
const LONG_RESTART_MS = 61 * 60_000;
/** The invoice schedule's time after the end of a month. */
const INVOICED_AFTER_MS = 5 * 60_000 + 1_000;
/** The wait ends when the step is reached: only a busy machine needs all of it. */
const STEP_MS_MAX = 45_000;

/** Plays months of usage, alerts and invoices against the real process while killing it, and compares everything with a model of its own. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, eventsPerSecond = 80, onProgress = () => undefined } = options;
  const random = seededRandom(seed);
  const folder = mkdtempSync(path.join(tmpdir(), 'meterline-chaos-'));
  const where = { folder, port: await freePort(), partitions: PARTITIONS };
  const url = `http://127.0.0.1:${where.port}`;
  const clock = createDriverClock(START);
  const client = createClient(url);
  const model = createModel();
  const billing = createBillingModel(model);
  const receiver = await startReceiver(random);
  const lives: Life[] = [];
  const traffic = createTraffic({ url, client, model, random, nowMs: clock.nowMs, eventsPerSecond });
  const verification = createVerification({ client, model, billing, traffic, receiver, clock });
  const { differences } = verification;
  const kills = new Map<string, number>();
  const recoveriesMs: number[] = [];
  const background: Promise<unknown>[] = [];
  let server: RunningServer | undefined;

  function start(kill?: Kill): RunningServer {
    clock.moveTo(clock.nowMs() + (kill?.step?.startsWith('compaction') === true ? LONG_RESTART_MS : RESTART_TAKES_MS));
    server = startServer(where, clock.nowMs(), kill?.step === null ? null : kill);
    return server;
  }

  async function startUnharmed(): Promise<void> {
    const running = start();
    await running.ready();
    recoveriesMs.push(running.readyMs ?? 0);
  }

  /** Starts the server and has it killed as planned. It is down afterwards. */
  async function suffer(kill: Kill): Promise<void> {
    const running = start(kill);
    const ready = running.ready().then((isReady) => {
      if (isReady) recoveriesMs.push(running.readyMs ?? 0);
      return isReady;
    });
    let name: string = kill.step ?? `random moment after ${kill.after}`;
    if (kill.step === null) {
      if (kill.after === 'ready') await ready;
      await sleep(kill.delayMs);
    } else {
      if (kill.step.startsWith('delivery')) background.push(client.post(`/v1/webhook-endpoints/${await endpointId}/test`));
      if (kill.step !== null && isLifeStep(kill.step)) lives.at(-1)?.play(kill.step);
      if (kill.step === 'run.requested') background.push(client.post('/v1/invoice-runs', {}));
      await Promise.race([running.killed, ready.then((isReady) => (isReady ? sleep(STEP_MS_MAX) : undefined))]);
      if (running.isRunning) name = `random moment (${kill.step} was not reached)`;
    }
    await running.kill();
    await ready;
    kills.set(name, (kills.get(name) ?? 0) + 1);
    onProgress(total(kills.values()), name);
  }

  /** Everything that was sent is acknowledged: compares all there is with the model. */
  async function check(month: Month): Promise<void> {
    await Promise.all(background.splice(0));
    await verification.check(month);
  }

  /** Traffic while the server suffers, then none until all of it is acknowledged. */
  async function underTraffic(how: { corrections: boolean; earliestMs: number }, suffering: readonly Kill[]): Promise<void> {
    const stop = new AbortController();
    const flowing = traffic.run(how, stop.signal);
    for (const kill of suffering) await suffer(kill);
    await startUnharmed();
    stop.abort();
    await flowing;
  }

  /** The server lives. */
  async function playMonth(
    month: Month,
    { whileTrafficFlows, whileInvoicing }: ReturnType<typeof planKills>[number],
  ): Promise<void> {
    const life = await openLife(client, { url, key: `life-${lives.length + 1}`, random: seededRandom(seed + lives.length) });
    lives.push(life);
    await server?.kill();
    await underTraffic({ corrections: true, earliestMs: 0 }, whileTrafficFlows);
    await life.finish();
    onProgress(total(kills.values()), 'comparing');
    await check(month);
    await verification.checkLife(life);
    await life.remove();
    billing.bill(month);
    await server?.kill();
    clock.moveTo(month.toMs + INVOICED_AFTER_MS);
    await underTraffic({ corrections: false, earliestMs: month.toMs }, whileInvoicing);
    await Promise.all(background.splice(0));
    await verification.checkInvoices();
    onProgress(total(kills.values()), 'invoiced');
  }

  let endpointId: Promise<string> = Promise.resolve('');
  try {
    await startUnharmed();
    await setUp(client, receiver.url, SUBSCRIBED_FROM);
    endpointId = client.all<{ id: string }>('/v1/webhook-endpoints').then(([endpoint]) => endpoint?.id ?? '');
    await endpointId;
    let month = monthOf(START);
    for (const plan of planKills(options.kills, random)) {
      await playMonth(month, plan);
      month = monthOf(month.toMs);
      if (differences.length > 0) break;
    }
    if (differences.length === 0) {
      await server?.kill();
      await startUnharmed();
      await check(month);
      await verification.checkSwept();
    }
  } catch (error) {
    differences.push(`the run broke off: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  } finally {
    await server?.kill().catch((error: unknown) => {
      // a server that ended by itself is what broke the run off, and told above
      if (differences.length === 0) differences.push(String(error));
    });
    await Promise.all([traffic.close(), receiver.close(), ...lives.map((life) => life.close())]);
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
  return { seed, kills, recoveriesMs, counts, differences, folder };
}

function total(numbers: Iterable<number>): number {
  return [...numbers].reduce((sum, one) => sum + one, 0);
}
