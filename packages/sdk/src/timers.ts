/** Longest delay that setTimeout takes; a longer one would fire at once. */
const DELAY_MAX_MS = 2_147_483_647;

export interface Timers {
  /** Calls `run` once after `ms`. Returns how to call that off. */
  after(ms: number, run: () => void): () => void;
  /** Resolves after `ms`, or when `signal` aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** While any hold lasts, timers keep a Node process alive; otherwise it may exit while they wait. Returns how to let go. */
  hold(): () => void;
}

export function createTimers(): Timers {
  const pending = new Set<unknown>();
  let holds = 0;

  function after(ms: number, run: () => void): () => void {
    const timer = setTimeout(
      () => {
        pending.delete(timer);
        run();
      },
      Math.min(ms, DELAY_MAX_MS),
    );
    pending.add(timer);
    keepAlive(timer, holds > 0);
    return () => {
      pending.delete(timer);
      clearTimeout(timer);
    };
  }

  return {
    after,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const done = (): void => {
          cancel();
          signal.removeEventListener('abort', done);
          resolve();
        };
        const cancel = after(ms, done);
        signal.addEventListener('abort', done);
      }),
    hold() {
      if (++holds === 1) for (const timer of pending) keepAlive(timer, true);
      return () => {
        if (--holds === 0) for (const timer of pending) keepAlive(timer, false);
      };
    },
  };
}

/** Node's timers can be told whether to keep the process alive; in a browser a timer is a number. */
function keepAlive(timer: unknown, alive: boolean): void {
  if (typeof timer !== 'object' || timer === null || !('ref' in timer) || !('unref' in timer)) return;
  const change = alive ? timer.ref : timer.unref;
  if (typeof change === 'function') change.call(timer);
}
