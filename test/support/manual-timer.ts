import type { Clock } from '@meterline/pipeline/ports';

/** A clock that moves only when told, and says when somebody sleeps. */
export function manualTimer() {
  let nowMs = 0;
  let sleepers: { atMs: number; wake: () => void }[] = [];
  let asleep = Promise.withResolvers<number>();
  const timer: Clock = {
    nowMs: () => nowMs,
    sleepUntil: (atMs, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) return resolve();
        sleepers.push({ atMs, wake: resolve });
        signal?.addEventListener('abort', () => resolve());
        asleep.resolve(atMs);
      }),
  };
  return {
    timer,
    /** Resolves with the time slept until, when the loop next sleeps. */
    async sleeping(): Promise<number> {
      const until = await asleep.promise;
      asleep = Promise.withResolvers();
      return until;
    },
    moveTo(toMs: number): void {
      nowMs = toMs;
      const due = sleepers.filter((sleeper) => sleeper.atMs <= toMs);
      sleepers = sleepers.filter((sleeper) => sleeper.atMs > toMs);
      for (const sleeper of due) sleeper.wake();
    },
  };
}
