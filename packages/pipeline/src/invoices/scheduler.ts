import type { Clock, ScheduleStore } from '../ports/index.ts';

export interface SchedulerOptions {
  readonly schedules: Pick<ScheduleStore, 'nextDueMs'>;
  readonly clock: Clock;
  /** Does what is due. Must be safe to call at any time. */
  readonly turn: () => Promise<void>;
  readonly onError: (error: unknown) => void;
  /** The longest time between two turns, so that changed schedules and runs left behind are found. Default 30,000 ms. */
  readonly intervalMsMax?: number;
}

export interface Scheduler {
  /** A schedule changed: look again at once. */
  notify(): void;
  /** Since when turns have failed, or null. */
  stuckSinceMs(): number | null;
  stop(): Promise<void>;
}

/** First wait after a failed turn; doubles up to the most. */
const RETRY_MS = { first: 1000, most: 30_000 };

/** Calls `turn` at every due time of the schedules, on the clock's time. A failed turn is repeated, with backoff. */
export function startScheduler({ schedules, clock, turn, onError, intervalMsMax = 30_000 }: SchedulerOptions): Scheduler {
  const stopping = new AbortController();
  let wake = Promise.withResolvers<void>();
  let stuckSinceMs: number | null = null;
  let failures = 0;

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      wake = Promise.withResolvers<void>();
      let untilMs = clock.nowMs() + intervalMsMax;
      try {
        await turn();
        untilMs = Math.min(untilMs, (await schedules.nextDueMs()) ?? untilMs);
        stuckSinceMs = null;
        failures = 0;
      } catch (error) {
        stuckSinceMs ??= clock.nowMs();
        untilMs = clock.nowMs() + Math.min(RETRY_MS.first * 2 ** failures, RETRY_MS.most);
        failures += 1;
        onError(error);
      }
      const waking = new AbortController();
      void wake.promise.then(() => waking.abort());
      await clock.sleepUntil(untilMs, AbortSignal.any([stopping.signal, waking.signal]));
    }
  }

  const running = run();
  return {
    notify: () => wake.resolve(),
    stuckSinceMs: () => stuckSinceMs,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
