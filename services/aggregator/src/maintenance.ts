import { setTimeout as sleep } from 'node:timers/promises';
import { compactPass, sealPass, type Aggregator } from '@meterline/pipeline/aggregation';
import type { CommittedSegment, RollupLedger } from '@meterline/pipeline/ports';
import type { AggregatorDeps } from './deps.ts';

const SEAL_EVERY_MS = 2_000;
/** Sealing searches tables that grow: it rests this many times as long as it took, so that it stays a small share of the work. */
const SEAL_REST = 15;
/** Invoices wait for what is sealed. */
const SEAL_REST_MS_MAX = 10_000;
const COMPACT_EVERY_MS = 30_000;
const RETRY_MS = 5_000;
/** Sealed records stay in the log this long, for another look at what was read. */
const LOG_KEPT_MS = 7 * 86_400_000;

/**
 * Seals, compacts and trims the partitions that this aggregator holds, behind it. Each pass is safe to repeat, so a failed one is simply tried again,
 * and one that goes on after a partition was handed over does no harm beside its new owner's.
 */
export function startMaintenance(deps: AggregatorDeps, aggregator: Aggregator, signal: AbortSignal) {
  const { log, ledger, usage, clock, logger } = deps;
  const own = (): number[] => aggregator.leases.map(({ partition }) => partition);
  let failure: string | undefined;
  let unsealed = true;
  let compactAtMs = 0;
  let wake: () => void = () => undefined;

  async function seal(): Promise<void> {
    const partitions = own();
    if (!unsealed || partitions.length === 0) return;
    unsealed = false;
    const ports = {
      logId: log.logId,
      ledger: { seal: ledger.seal, unsealed: (logId: string, limit: number) => ledger.unsealed(logId, limit, partitions) },
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
    for (const partition of own()) await log.trim(partition, cut[partition] ?? 0);
  }

  async function compact(): Promise<void> {
    if (performance.now() < compactAtMs) return;
    const ranges = await compactPass(
      { logId: log.logId, ledger: rollupsOf(deps.rollupLedger, own()), store: deps.rollupStore },
      clock.nowMs(),
    );
    await trim();
    compactAtMs = ranges.length > 0 ? 0 : performance.now() + COMPACT_EVERY_MS;
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      let pauseMs = SEAL_EVERY_MS;
      try {
        const startedMs = performance.now();
        await seal();
        pauseMs = Math.min(Math.max(pauseMs, SEAL_REST * (performance.now() - startedMs)), SEAL_REST_MS_MAX);
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
    /** There may be something to seal. */
    notify() {
      unsealed = true;
      wake();
    },
  };
}

/** The rollups of some partitions only. */
function rollupsOf(ledger: RollupLedger, partitions: readonly number[]): RollupLedger {
  return {
    commitRollup: ledger.commitRollup,
    planRollups: (logId, rule) => ledger.planRollups(logId, { ...rule, partitions }),
    unfinishedRollups: async (logId) =>
      (await ledger.unfinishedRollups(logId)).filter(({ partition }) => partitions.includes(partition)),
  };
}
