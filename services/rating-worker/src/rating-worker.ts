import { type AlertPorts, evaluateWakeups, startWakeLoop, type WakeLoopHealth } from '@meterline/pipeline/alerts';
import { processInvoiceRuns, startDueRuns, startScheduler } from '@meterline/pipeline/invoices';
import { type PlanMovePorts, processPlanMoves, requeuePlanMoves } from '@meterline/pipeline/plan-moves';
import type { Occurrence, SandboxStore, TrialNoticeStore, Wakeup } from '@meterline/pipeline/ports';
import { type ClocksOnTheirWay, startSandboxClocks } from '@meterline/pipeline/sandboxes';
import { tellOfTrials } from '@meterline/pipeline/stages';
import { systemClock } from '@meterline/runtime/clock';
import type { Logger } from '@meterline/runtime/logging';

export interface RatingWorkerDeps extends Pick<AlertPorts, 'wakeups' | 'features' | 'balances'>, PlanMovePorts {
  readonly trials: TrialNoticeStore;
  readonly sandboxes: Pick<SandboxStore, 'step'>;
  readonly logger: Logger;
  /** Finishes what other processes left behind; called with every turn of the scheduler, every half minute. */
  readonly finishLeftBehind?: () => Promise<void>;
  /** Webhook messages were committed: their deliverer need not wait for its next look. */
  readonly onMessages?: () => void;
  /** After each evaluation; for metrics. */
  readonly onEvaluated?: (evaluated: Evaluated) => void;
  /** The clocks of sandboxes failed to step; for metrics. They are tried again. */
  readonly onSandboxFailure?: () => void;
  /** How often `rating_wakeup`, and clocks of sandboxes on their way, are looked at without a `notify`. Default 1,000 ms. */
  readonly pollIntervalMs?: number;
}

export interface Evaluated {
  readonly wakeups: number;
  readonly fired: number;
  readonly durationMs: number;
}

export interface RatingWorkerHealth extends WakeLoopHealth {
  readonly schedulerStuckSinceMs: number | null;
  readonly invoiceJobs: { readonly waiting: number; readonly active: number; readonly failed: number };
}

export interface RatingWorker {
  /** Usage was committed: evaluate now instead of at the next poll. Losing this call delays, it does not miss. */
  notify(): void;
  /** A tenant's invoice schedule changed. */
  notifySchedule(): void;
  /** The clock of a sandbox was sent on its way. */
  notifySandboxes(): void;
  health(): Promise<RatingWorkerHealth>;
  /** Of sandboxes, as of the last look. */
  clocksOnTheirWay(): ClocksOnTheirWay;
  /** Why rating stands still, or undefined. */
  trouble(): Promise<string | undefined>;
  /** Waits for the evaluation and the scheduler turn under way; invoice jobs end with the job queue's own `close`. */
  stop(): Promise<void>;
}

/** Rows that wait this long mean that rating does not keep up. */
const WAITING_AGE_MS_MAX = 60_000;
const STUCK_MS_MAX = 15_000;
/** A look is one query by index for each tenant: tenants may have clocks of their own, and a trial may be ended at once. */
const TRIALS_LOOK_MS_MAX = 2_000;

/** Spend alerts and entitlements as usage is committed, invoices by schedule and on request, moves to plan versions, and what is to be told of trials. */
export async function startRatingWorker(deps: RatingWorkerDeps): Promise<RatingWorker> {
  const { logger, onMessages, onEvaluated } = deps;
  const timer = systemClock();
  const stopping = new AbortController();

  async function evaluate(tenant: string, wakeups: readonly Wakeup[]): Promise<void> {
    const startedMs = performance.now();
    const fired = await evaluateWakeups(deps, tenant, wakeups);
    onEvaluated?.({ wakeups: wakeups.length, fired: fired.length, durationMs: performance.now() - startedMs });
    if (fired.length > 0) onMessages?.();
    for (const occurrence of fired) {
      const what = 'feature' in occurrence ? 'entitlement level reached' : 'spend alert fired';
      logger.info(fieldsOf(tenant, occurrence), what);
    }
  }

  const wakeLoop = startWakeLoop({
    store: deps.wakeups,
    handle: evaluate,
    onError: (error, tenant) => logger.error({ err: error, tenant }, 'rating failed and will be tried again'),
    timer,
    ...(deps.pollIntervalMs !== undefined && { pollIntervalMs: deps.pollIntervalMs }),
  });
  const scheduler = startScheduler({
    schedules: deps.invoices,
    clock: deps.serverClock,
    turn: async () => {
      await startDueRuns(deps);
      await requeuePlanMoves(deps);
      await deps.finishLeftBehind?.();
    },
    onError: (error) => logger.error({ err: error }, 'the invoice scheduler failed and will try again'),
  });
  const tellTrials = async () => {
    if ((await tellOfTrials(deps)) > 0) onMessages?.();
  };
  const trials = startScheduler({
    schedules: { nextDueMs: async () => null },
    clock: deps.serverClock,
    turn: tellTrials,
    onError: (error) => logger.error({ err: error }, 'telling of trials failed and will be tried again'),
    intervalMsMax: TRIALS_LOOK_MS_MAX,
  });
  const sandboxes = startSandboxClocks({
    step: () => deps.sandboxes.step(deps.serverClock.nowMs()),
    startDue: async () => {
      // Clocks wait for rating to look at what waits, and need not wait for its next poll.
      wakeLoop.notify();
      await tellTrials();
      await startDueRuns(deps);
    },
    onError(error) {
      deps.onSandboxFailure?.();
      logger.error({ err: error }, 'the clocks of sandboxes stand still and will be tried again');
    },
    timer,
    pollIntervalMs: deps.pollIntervalMs ?? 1000,
  });
  const onInvoices = () => {
    onMessages?.();
    sandboxes.notify();
    // An invoiced customer has begun its next period.
    wakeLoop.notify();
  };
  await processInvoiceRuns(deps, { timer, signal: stopping.signal, onInvoices });
  await processPlanMoves(deps, { signal: stopping.signal, onMoved: () => wakeLoop.notify() });

  async function health(): Promise<RatingWorkerHealth> {
    const [wakeLoopHealth, invoiceJobs] = await Promise.all([wakeLoop.health(), deps.jobs.counts('invoice-runs')]);
    return { ...wakeLoopHealth, schedulerStuckSinceMs: scheduler.stuckSinceMs(), invoiceJobs };
  }

  return {
    notify: () => wakeLoop.notify(),
    notifySchedule: () => scheduler.notify(),
    notifySandboxes: () => sandboxes.notify(),
    health,
    clocksOnTheirWay: sandboxes.onTheirWay,
    async trouble() {
      const { stuckSinceMs, oldestWaitingAgeMs, schedulerStuckSinceMs } = await health();
      if (stuckSinceMs !== null && timer.nowMs() - stuckSinceMs > STUCK_MS_MAX)
        return `rating has failed since ${new Date(stuckSinceMs).toISOString()}`;
      if (oldestWaitingAgeMs > WAITING_AGE_MS_MAX) return `rating is ${Math.round(oldestWaitingAgeMs / 1000)} s behind`;
      if (schedulerStuckSinceMs !== null)
        return `the invoice scheduler has failed since ${new Date(schedulerStuckSinceMs).toISOString()}`;
      const trialsStuckSinceMs = trials.stuckSinceMs();
      if (trialsStuckSinceMs !== null) return `telling of trials has failed since ${new Date(trialsStuckSinceMs).toISOString()}`;
      const sandboxesStuckSinceMs = sandboxes.stuckSinceMs();
      if (sandboxesStuckSinceMs !== null)
        return `the clocks of sandboxes have stood still since ${new Date(sandboxesStuckSinceMs).toISOString()}`;
      return undefined;
    },
    async stop() {
      stopping.abort(new Error('the rating worker stops'));
      await Promise.all([wakeLoop.stop(), scheduler.stop(), sandboxes.stop(), trials.stop()]);
    },
  };
}

function fieldsOf(tenant: string, occurrence: Occurrence) {
  if ('feature' in occurrence) {
    const { customer, feature, percent, limit, used } = occurrence;
    return { tenant, customer, feature, percent, limit, used };
  }
  const { rule, customer, threshold, spend, currency } = occurrence;
  return { tenant, rule, customer, threshold, spend, currency };
}
