import type { Clock, Wakeup, WakeupStore } from '../ports/index.ts';

/** Longest rest after a turn: alerts may wait for it. */
const REST_MS_MAX = 250;

export interface WakeLoopOptions {
  readonly store: Pick<WakeupStore, 'waiting' | 'backlog'>;
  /** Evaluates and concludes the rows of one tenant. Must be safe to run again over the same rows. */
  readonly handle: (tenant: string, wakeups: readonly Wakeup[]) => Promise<void>;
  readonly onError: (error: unknown, tenant: string | undefined) => void;
  /** Rows taken at a time. Default 5,000. */
  readonly batchRowsMax?: number;
  /** How often the table is looked at without being notified. Default 1,000 ms. */
  readonly pollIntervalMs?: number;
  /** Least time from one look to the next, so that rows are evaluated together while usage streams in. Default 50 ms. */
  readonly turnIntervalMsMin?: number;
  /** First wait after a failure; doubles up to `backoffMsMax`. Default 250 ms. */
  readonly backoffMs?: number;
  /** Default 30,000 ms. */
  readonly backoffMsMax?: number;
  /** The machine's time: waiting between attempts is nothing a test clock should stretch. */
  readonly timer: Clock;
}

export interface WakeLoopHealth {
  /** Since when evaluating some tenant, or reading the table, has failed without a success; null when all is well. */
  readonly stuckSinceMs: number | null;
  readonly waitingRows: number;
  readonly oldestWaitingAgeMs: number;
}

export interface WakeLoop {
  /** Looks at the table at once instead of at the next poll. */
  notify(): void;
  health(): Promise<WakeLoopHealth>;
  stop(): Promise<void>;
}

interface Failure {
  readonly sinceMs: number;
  readonly attempts: number;
  readonly retryAtMs: number;
}

/**
 * Takes the rows of `rating_wakeup` in order of id, one batch at a time, and hands them to `handle` tenant by tenant. A row is
 * gone only when `handle` concluded it, so a lost notification, a crash or an error delays a row but never loses it. A tenant that
 * fails is left out until its backoff ends, so that it does not hold up the others.
 */
export function startWakeLoop(options: WakeLoopOptions): WakeLoop {
  const {
    store,
    handle,
    onError,
    timer,
    batchRowsMax = 5000,
    pollIntervalMs = 1000,
    turnIntervalMsMin = 50,
    backoffMs = 250,
    backoffMsMax = 30_000,
  } = options;
  const stopping = new AbortController();
  const failures = new Map<string, Failure>();
  let tableFailure: Failure | undefined;
  let wake = Promise.withResolvers<void>();

  function failed(before: Failure | undefined): Failure {
    const attempts = (before?.attempts ?? 0) + 1;
    const nowMs = timer.nowMs();
    return {
      sinceMs: before?.sinceMs ?? nowMs,
      attempts,
      retryAtMs: nowMs + Math.min(backoffMs * 2 ** (attempts - 1), backoffMsMax),
    };
  }

  /** One batch. Answers whether there may be more to do at once. */
  async function turn(): Promise<boolean> {
    const nowMs = timer.nowMs();
    const resting = [...failures].filter(([, failure]) => failure.retryAtMs > nowMs).map(([tenant]) => tenant);
    const wakeups = await store.waiting(batchRowsMax, resting);
    for (const [tenant, rows] of Map.groupBy(wakeups, (row) => row.tenant)) {
      if (stopping.signal.aborted) return false;
      try {
        await handle(tenant, rows);
        failures.delete(tenant);
      } catch (error) {
        failures.set(tenant, failed(failures.get(tenant)));
        onError(error, tenant);
      }
    }
    // A tenant whose rows another worker concluded meanwhile is no longer stuck.
    for (const tenant of failures.keys()) {
      if (!resting.includes(tenant) && !wakeups.some((row) => row.tenant === tenant)) failures.delete(tenant);
    }
    return wakeups.length === batchRowsMax;
  }

  async function idle(untilMs: number): Promise<void> {
    const waking = new AbortController();
    void wake.promise.then(() => waking.abort());
    await timer.sleepUntil(untilMs, AbortSignal.any([stopping.signal, waking.signal]));
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      // Before the read: a notification that comes while we read is answered by another read.
      wake = Promise.withResolvers<void>();
      const startedMs = timer.nowMs();
      try {
        const more = await turn();
        tableFailure = undefined;
        if (more) continue;
        const endedMs = timer.nowMs();
        // As long as the turn took: while usage streams in, rating takes half a core at most and leaves the rest to counting.
        const nextTurnMs = Math.max(startedMs + turnIntervalMsMin, endedMs + Math.min(endedMs - startedMs, REST_MS_MAX));
        await idle(Math.min(endedMs + pollIntervalMs, ...[...failures.values()].map((failure) => failure.retryAtMs)));
        if (timer.nowMs() < nextTurnMs) await timer.sleepUntil(nextTurnMs, stopping.signal);
      } catch (error) {
        tableFailure = failed(tableFailure);
        onError(error, undefined);
        await timer.sleepUntil(tableFailure.retryAtMs, stopping.signal);
      }
    }
  }

  const running = run();
  return {
    notify: () => wake.resolve(),
    async health() {
      const { rows, oldestAgeMs } = await store.backlog();
      const since = [tableFailure, ...failures.values()].flatMap((failure) => failure?.sinceMs ?? []);
      return { stuckSinceMs: since.length === 0 ? null : Math.min(...since), waitingRows: rows, oldestWaitingAgeMs: oldestAgeMs };
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
