export interface GrowthSignal {
  /** Something grew: lets every waiting call resolve, or the next one if none waits. */
  raise(): void;
  /** Resolves when something grew since a call last resolved, or when `signal` aborts. */
  wait(signal: AbortSignal): Promise<void>;
}

/** Starts raised: what was there before the first call has not been seen either. */
export function createGrowthSignal(): GrowthSignal {
  let grown = true;
  const waiting = new Set<() => void>();
  return {
    raise() {
      grown = waiting.size === 0;
      for (const resolve of waiting) resolve();
      waiting.clear();
    },
    wait(signal) {
      if (grown || signal.aborted) {
        if (!signal.aborted) grown = false;
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        const settle = () => {
          waiting.delete(settle);
          signal.removeEventListener('abort', settle);
          resolve();
        };
        waiting.add(settle);
        signal.addEventListener('abort', settle, { once: true });
      });
    },
  };
}
