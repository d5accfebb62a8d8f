import { type Scheduler, startScheduler } from '../invoices/index.ts';
import type { Clock, ClockOnItsWay } from '../ports/index.ts';

export interface SandboxClocksOptions {
  /** Takes every clock on its way one step on. See `SandboxStore.step`. */
  readonly step: () => Promise<readonly ClockOnItsWay[]>;
  /** Starts what is due by now. */
  readonly startDue: () => Promise<void>;
  readonly onError: (error: unknown) => void;
  /** Real time. */
  readonly timer: Clock;
  /** How often clocks on their way are looked for without a `notify`. */
  readonly pollIntervalMs: number;
}

export interface ClocksOnTheirWay {
  readonly count: number;
  /** How far the one with the longest way has still to go, in its own time. */
  readonly lagMs: number;
  /** How long, in real time, the slowest has been where it is: as long as what is due there takes. */
  readonly standingMs: number;
}

export interface SandboxClocks extends Scheduler {
  /** As of the last look. */
  onTheirWay(): ClocksOnTheirWay;
}

/** While a clock is on its way: what is due where it stands may be done by now. */
const STEP_EVERY_MS = 20;

/** Takes the clocks of sandboxes from due time to due time. Safe to run in any number of processes: the store says what a step is. */
export function startSandboxClocks({ step, startDue, onError, timer, pollIntervalMs }: SandboxClocksOptions): SandboxClocks {
  /** By tenant: the clock, and since when it has been there. */
  let stands = new Map<string, { readonly clock: ClockOnItsWay; readonly sinceMs: number }>();

  const scheduler = startScheduler({
    schedules: { nextDueMs: async () => (stands.size > 0 ? timer.nowMs() + STEP_EVERY_MS : null) },
    clock: timer,
    async turn() {
      const clocks = await step();
      const before = stands;
      stands = new Map();
      for (const clock of clocks) {
        const last = before.get(clock.tenant);
        const isWhereItWas = last?.clock.clockShiftMs === clock.clockShiftMs;
        stands.set(clock.tenant, { clock, sinceMs: isWhereItWas ? last.sinceMs : timer.nowMs() });
      }
      if (stands.size > 0) await startDue();
    },
    onError,
    intervalMsMax: pollIntervalMs,
  });
  return {
    ...scheduler,
    onTheirWay() {
      const all = [...stands.values()];
      return {
        count: all.length,
        lagMs: Math.max(0, ...all.map(({ clock }) => clock.leftMs)),
        standingMs: Math.max(0, ...all.map(({ sinceMs }) => timer.nowMs() - sinceMs)),
      };
    },
  };
}
