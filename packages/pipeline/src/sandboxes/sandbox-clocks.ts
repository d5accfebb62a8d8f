import { type Scheduler, startScheduler } from '../invoices/index.ts';
import type { Clock } from '../ports/index.ts';

export interface SandboxClocksOptions {
  /** Takes every clock on its way one step on; answers whether there was one. See `SandboxStore.step`. */
  readonly step: () => Promise<boolean>;
  /** Starts what is due by now. */
  readonly startDue: () => Promise<void>;
  readonly onError: (error: unknown) => void;
  /** Real time. */
  readonly timer: Clock;
  /** How often clocks on their way are looked for without a `notify`. */
  readonly pollIntervalMs: number;
}

/** While a clock is on its way: what is due where it stands may be done by now. */
const STEP_EVERY_MS = 20;

/** Takes the clocks of sandboxes from due time to due time. Safe to run in any number of processes: the store says what a step is. */
export function startSandboxClocks({ step, startDue, onError, timer, pollIntervalMs }: SandboxClocksOptions): Scheduler {
  let isAnyOnItsWay = false;
  return startScheduler({
    schedules: { nextDueMs: async () => (isAnyOnItsWay ? timer.nowMs() + STEP_EVERY_MS : null) },
    clock: timer,
    async turn() {
      isAnyOnItsWay = await step();
      if (isAnyOnItsWay) await startDue();
    },
    onError,
    intervalMsMax: pollIntervalMs,
  });
}
