import { setTimeout as sleep } from 'node:timers/promises';
import { runBackfill, type BackfillPorts } from '@meterline/pipeline/backfill';
import type { Clock } from '@meterline/pipeline/ports';
import type { Logger } from '@meterline/runtime/logging';

const RETRY_MS = 1_000;

export interface BackfillsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onComplete?: () => void;
  /** Whether it falls to this process now. Two at work on one backfill would only do the work twice. Default always. */
  readonly isElected?: () => boolean;
  /** How often it is looked for backfills that other processes began. Default never. */
  readonly pollIntervalMs?: number;
}

/** Runs backfills one after another, those that an earlier process left unfinished first. */
export function startBackfills(ports: BackfillPorts, options: BackfillsOptions) {
  const { clock, logger, onComplete, isElected = () => true, pollIntervalMs } = options;
  const stopping = new AbortController();
  let wake: () => void = () => undefined;
  let woken = true;

  async function pass(): Promise<boolean> {
    if (!isElected()) return true;
    for (const backfill of await ports.backfills.running()) {
      if (!(await runBackfill(ports, backfill, () => clock.nowMs()))) return false;
      logger.info({ meter: backfill.meter.key, tenant: backfill.meter.tenant }, 'meter filled from stored events');
      onComplete?.();
    }
    return true;
  }

  function idle(): Promise<void> {
    return new Promise((resolve) => {
      const timer = pollIntervalMs === undefined ? undefined : setTimeout(resolve, pollIntervalMs);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      if (!woken) await idle();
      woken = false;
      if (stopping.signal.aborted) return;
      try {
        if (await pass()) continue;
      } catch (error) {
        logger.error({ err: error }, 'a backfill failed and will be tried again');
      }
      woken = true;
      await sleep(RETRY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  const running = run();
  const notify = () => {
    woken = true;
    wake();
  };
  return {
    notify,
    async stop(): Promise<void> {
      stopping.abort();
      notify();
      await running;
    },
  };
}
