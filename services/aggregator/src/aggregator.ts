import { setTimeout as sleep } from 'node:timers/promises';
import { Aggregator, type CycleResult } from '@meterline/pipeline/aggregation';
import { LeaseLostError, LogGapError, type Lease } from '@meterline/pipeline/ports';
import type { AggregatorDeps } from './deps.ts';
import { startMaintenance } from './maintenance.ts';

export interface AggregatorService {
  /** The partitions it leads now. */
  partitions(): readonly number[];
  /** Why usage stands still, or undefined. */
  trouble(): string | undefined;
  filterBytes(): number;
  /** Ends after the cycle under way, and gives up its partitions. */
  stop(): Promise<void>;
}

/** Between failed cycles; the longest is also how long usage may still stand after an outage is over. */
const BACKOFF_MS = { first: 250, most: 5_000 };
/** A cycle that takes longer is reported as stuck. */
const CYCLE_STUCK_MS = 60_000;

/**
 * Turns what is appended to the partitions of its duty into usage until stopped. Outages are retried; a partition that was lost to another owner is
 * dropped and the others go on; a gap in the log stops it for good.
 */
export async function startAggregator(deps: AggregatorDeps): Promise<AggregatorService> {
  const { log, clock, logger, cycleIntervalMs = 100 } = deps;
  const stopping = new AbortController();
  const { signal } = stopping;
  const aggregator = new Aggregator(deps, {
    ...(deps.limits && { limits: deps.limits }),
    ...(deps.onStep && { onStep: deps.onStep }),
  });
  let failure: string | undefined;
  let failures = 0;
  /** The last cycle failed, so what it came to is unknown. */
  let isUncertain = false;
  let busySinceMs: number | undefined;

  const busyMs = (): number => (busySinceMs === undefined ? 0 : performance.now() - busySinceMs);
  const held = (): number[] => aggregator.leases.map(({ partition }) => partition);
  const duty = await deps.duty(() => busyMs() < CYCLE_STUCK_MS);

  async function hold(leases: readonly Lease[]): Promise<void> {
    const windowMs = deps.acceptance.pastMs + deps.acceptance.futureMs;
    const { warmed } = await aggregator.hold(leases, { signal, nowMs: clock.nowMs(), windowMs });
    maintenance.notify();
    warmed.then(
      () => logger.debug({ filterBytes: aggregator.filterBytes }, 'id filter is warm'),
      (error: unknown) => logger.warn({ err: error }, 'id filter stays cold: every id is looked up'),
    );
  }

  /** Between cycles: what is no longer ours goes, what may be ours comes. */
  async function follow(): Promise<void> {
    const orders = duty.orders(held());
    if (orders === undefined) return;
    if (orders.drop.length > 0) {
      aggregator.drop(orders.drop);
      await duty.giveUp(orders.drop);
    }
    if (orders.take.length > 0) await hold(await duty.take(orders.take));
    if (orders.drop.length + orders.take.length > 0) logger.info({ partitions: held().join() }, 'partitions changed');
  }

  /** Goes on with what is still ours, at a new epoch: nothing that was under way before the failure can commit any more. */
  async function resume(): Promise<void> {
    const leases = held().length === 0 ? [] : await duty.take(held());
    aggregator.drop(held().filter((partition) => !leases.some((lease) => lease.partition === partition)));
    await hold(leases);
    isUncertain = false;
  }

  async function turn(): Promise<void> {
    const startedMs = performance.now();
    busySinceMs = startedMs;
    if (isUncertain) await resume();
    await follow();
    const result = await aggregator.cycle();
    busySinceMs = undefined;
    failures = 0;
    failure = undefined;
    if (result.records > 0) {
      deps.onCommitted?.(result);
      maintenance.notify();
    }
    await rest(result, startedMs);
  }

  /** After a cycle: at once on, while there is a backlog; otherwise until the log has grown or the duty has changed. */
  async function rest({ records, more }: CycleResult, startedMs: number): Promise<void> {
    if (records === 0) {
      const waiting = new AbortController();
      const until = AbortSignal.any([signal, waiting.signal]);
      const news = [duty.changed(until), ...(aggregator.leases.length > 0 ? [log.appended(until, held())] : [])];
      await Promise.race(news).finally(() => waiting.abort());
      return;
    }
    const pauseMs = cycleIntervalMs - (performance.now() - startedMs);
    if (!more && pauseMs > 0) await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        await turn();
      } catch (error) {
        if (signal.aborted) return;
        failure = error instanceof Error ? error.message : String(error);
        isUncertain = true;
        deps.onError?.(error);
        logger.error({ err: error, failures }, 'aggregation failed');
        // skipping or repeating part of the log would falsify usage: only an operator can say what to do
        if (error instanceof LogGapError) return;
        const isHandOver = error instanceof LeaseLostError && failures === 0;
        const backoffMs = isHandOver ? 0 : Math.min(BACKOFF_MS.first * 2 ** failures, BACKOFF_MS.most);
        failures += 1;
        await sleep(backoffMs, undefined, { signal }).catch(() => undefined);
      } finally {
        busySinceMs = undefined;
      }
    }
  }

  const maintenance = startMaintenance(deps, aggregator, signal);
  const running = run();

  return {
    partitions: held,
    trouble() {
      if (failure !== undefined) return failure;
      if (busyMs() > CYCLE_STUCK_MS) return `one cycle takes ${Math.round(busyMs() / 1000)} s`;
      return duty.trouble() ?? maintenance.trouble();
    },
    filterBytes: () => aggregator.filterBytes,
    async stop() {
      stopping.abort();
      await Promise.all([running, maintenance.stopped]);
      await duty.leave();
    },
  };
}
