import { setTimeout as sleep } from 'node:timers/promises';
import { Aggregator } from '@meterline/pipeline/aggregation';
import { LogGapError } from '@meterline/pipeline/ports';
import type { AggregatorDeps } from './deps.ts';
import { startMaintenance } from './maintenance.ts';

export interface AggregatorService {
  /** Records appended and not yet committed. */
  lag(): Promise<number>;
  /** Why usage stands still, or undefined. */
  trouble(): string | undefined;
  filterBytes(): number;
  stop(): Promise<void>;
}

const BACKOFF_MS = { first: 250, most: 15_000 };
/** A cycle that takes longer is reported as stuck. */
const CYCLE_STUCK_MS = 60_000;

/** Owns the partitions and turns what is appended into usage until stopped; outages are retried, a gap in the log stops it for good. */
export function startAggregator(deps: AggregatorDeps): AggregatorService {
  const { log, ledger, clock, logger } = deps;
  const stopping = new AbortController();
  const { signal } = stopping;
  let current: Aggregator | undefined;
  let failure: string | undefined;
  let busySinceMs: number | undefined;

  async function own(): Promise<Aggregator> {
    const options = {
      owner: deps.owner,
      partitions: deps.partitions,
      ...(deps.limits && { limits: deps.limits }),
      ...(deps.onStep && { onStep: deps.onStep }),
    };
    const aggregator = new Aggregator(deps, options);
    const { warmed } = await aggregator.acquire(signal, clock.nowMs(), deps.acceptance.pastMs + deps.acceptance.futureMs);
    warmed.then(
      () => logger.debug({ filterBytes: aggregator.filterBytes }, 'id filter is warm'),
      (error: unknown) => logger.warn({ err: error }, 'id filter stays cold: every id is looked up'),
    );
    current = aggregator;
    return aggregator;
  }

  async function consume(aggregator: Aggregator, onProgress: () => void): Promise<void> {
    while (!signal.aborted) {
      const startedMs = performance.now();
      busySinceMs = startedMs;
      const result = await aggregator.cycle();
      busySinceMs = undefined;
      onProgress();
      if (result.records === 0) {
        await log.appended(signal);
        continue;
      }
      deps.onCommitted?.(result);
      maintenance.committed();
      const pauseMs = (deps.cycleIntervalMs ?? 100) - (performance.now() - startedMs);
      if (!result.more && pauseMs > 0) await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async function run(): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      try {
        await consume(await own(), () => {
          failures = 0;
          failure = undefined;
        });
      } catch (error) {
        if (signal.aborted) return;
        failure = error instanceof Error ? error.message : String(error);
        deps.onError?.(error);
        logger.error({ err: error, failures }, 'aggregation failed');
        // skipping or repeating part of the log would falsify usage: only an operator can say what to do
        if (error instanceof LogGapError) return;
        const backoffMs = Math.min(BACKOFF_MS.first * 2 ** failures, BACKOFF_MS.most);
        failures += 1;
        await sleep(backoffMs, undefined, { signal }).catch(() => undefined);
      } finally {
        busySinceMs = undefined;
        current = undefined;
      }
    }
  }

  const maintenance = startMaintenance(deps, () => current, signal);
  const running = run();

  return {
    async lag() {
      const cut = await ledger.committedCut(log.logId);
      const bounds = await Promise.all(deps.partitions.map((partition) => log.bounds(partition)));
      return bounds.reduce((sum, { next }, index) => sum + next - (cut[deps.partitions[index] ?? -1] ?? 0), 0);
    },
    trouble() {
      if (failure !== undefined) return failure;
      const busyMs = busySinceMs === undefined ? 0 : performance.now() - busySinceMs;
      return busyMs > CYCLE_STUCK_MS ? `one cycle takes ${Math.round(busyMs / 1000)} s` : maintenance.trouble();
    },
    filterBytes: () => current?.filterBytes ?? 0,
    async stop() {
      stopping.abort();
      await Promise.all([running, maintenance.stopped]);
    },
  };
}
