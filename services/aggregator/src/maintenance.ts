import { setTimeout as sleep } from 'node:timers/promises';
import { compactPass, sealPass, type Aggregator } from '@meterline/pipeline/aggregation';
import type { CommittedSegment } from '@meterline/pipeline/ports';
import type { AggregatorDeps } from './deps.ts';

const SEAL_EVERY_MS = 2_000;
const COMPACT_EVERY_MS = 30_000;
const RETRY_MS = 5_000;
/** Sealed records stay in the log this long, for another look at what was read. */
const LOG_KEPT_MS = 7 * 86_400_000;

/** Seals, compacts and trims behind the aggregator. Each pass is safe to repeat, so a failed one is simply tried again. */
export function startMaintenance(deps: AggregatorDeps, current: () => Aggregator | undefined, signal: AbortSignal) {
  const { log, ledger, usage, clock, logger } = deps;
  let failure: string | undefined;
  let unsealed = true;
  let compactAtMs = 0;
  let wake: () => void = () => undefined;

  async function seal(): Promise<void> {
    const aggregator = current();
    if (!unsealed || aggregator === undefined) return;
    unsealed = false;
    const ports = {
      logId: log.logId,
      ledger,
      usage,
      rewrite: (segment: CommittedSegment) => aggregator.rewrite(segment),
      onRepaired: (segment: object) =>
        logger.warn({ segment }, 'the usage store had lost rows of a segment: written again from the log'),
    };
    const { more } = await sealPass(ports);
    unsealed ||= more;
  }

  async function trim(): Promise<void> {
    const cut = await ledger.sealedSince(log.logId, clock.nowMs() - LOG_KEPT_MS);
    for (const partition of deps.partitions) await log.trim(partition, cut[partition] ?? 0);
  }

  async function compact(): Promise<void> {
    if (performance.now() < compactAtMs) return;
    const ranges = await compactPass({ logId: log.logId, ledger: deps.rollupLedger, store: deps.rollupStore }, clock.nowMs());
    await trim();
    compactAtMs = ranges.length > 0 ? 0 : performance.now() + COMPACT_EVERY_MS;
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      let pauseMs = SEAL_EVERY_MS;
      try {
        await seal();
        await compact();
        failure = undefined;
      } catch (error) {
        unsealed = true;
        failure = `sealing or compaction: ${error instanceof Error ? error.message : String(error)}`;
        if (!signal.aborted) logger.error({ err: error }, 'maintenance failed');
        pauseMs = RETRY_MS;
      }
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
      if (!unsealed && !signal.aborted) await idle();
    }
  }

  /** Until the next commit, or the next look for something to compact. */
  function idle(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, COMPACT_EVERY_MS);
      signal.addEventListener('abort', done, { once: true });
      wake = done;
    });
  }

  return {
    stopped: run(),
    trouble: () => failure,
    committed() {
      unsealed = true;
      wake();
    },
  };
}
