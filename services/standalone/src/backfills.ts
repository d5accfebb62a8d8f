import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@meterline/runtime/logging';
import { runBackfill } from '@meterline/pipeline/backfill';
import type { Clock } from '@meterline/pipeline/ports';
import type { Engines } from './engines.ts';

const RETRY_MS = 1_000;

/** Runs backfills one after another, those that an earlier process left unfinished first. */
export function startBackfills(engines: Engines, options: { clock: Clock; logger: Logger; onComplete: () => void }) {
  const { clock, logger, onComplete } = options;
  const stopping = new AbortController();
  let wake: () => void = () => undefined;
  let woken = true;

  async function pass(): Promise<boolean> {
    for (const backfill of await engines.backfills.running()) {
      if (!(await runBackfill(engines, backfill, () => clock.nowMs()))) return false;
      logger.info({ meter: backfill.meter.key, tenant: backfill.meter.tenant }, 'meter filled from stored events');
      onComplete();
    }
    return true;
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      if (!woken) await new Promise<void>((resolve) => (wake = resolve));
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
