import type { ClaimedDelivery, Clock, DeliveryQueue } from '@meterline/pipeline/ports';
import { nextStep, type NextStep, type SendWebhook } from '@meterline/pipeline/webhooks';

export interface DeliveriesOptions {
  readonly queue: DeliveryQueue;
  readonly clock: Clock;
  readonly send: SendWebhook;
  readonly logger: { warn(details: object, message: string): void; error(details: object, message: string): void };
  /** Called after every attempt that was recorded. */
  readonly observe?: (attempt: { readonly next: NextStep['state']; readonly durationMs: number }) => void;
  /** Deliveries under way at a time: one waits on the network, so many cost little. Default 32. */
  readonly concurrency?: number;
  /** Of one endpoint: a slow one takes no more than this many places. Default 4. */
  readonly perEndpointMax?: number;
  /** Default `Math.random`; spreads retries. */
  readonly random?: () => number;
}

export interface Deliveries {
  /** Say so when something was enqueued and committed: it is sent at once. */
  notify(): void;
  /** Resolves once `close` was called; rejects on a defect, so that whoever runs the process can stop it. */
  readonly done: Promise<void>;
  /** Takes no more deliveries and waits for those under way; after `drainMs` they are broken off, and come due again later. */
  close(drainMs?: number): Promise<void>;
}

/** Longer than any attempt takes, with room to record it: nobody takes a delivery that is still under way. */
const LEASE_MS = 30_000;
/** Looks this often for what other processes enqueued, and tries this often when the store is out of reach. */
const POLL_INTERVAL_MS = 1000;

/**
 * Sends webhooks that are due by `clock`, at least once each: an attempt is recorded after it was made, so a crash between the two
 * repeats it, with the same webhook-id. Any number of processes may run this on one store.
 */
export function startDeliveries(options: DeliveriesOptions): Deliveries {
  const { queue, clock, send, logger, observe, concurrency = 32, perEndpointMax = 4, random = Math.random } = options;
  const underWay = new Map<string, { readonly endpoint: string; readonly ended: Promise<void> }>();
  let stopping = false;
  const breakOff = new AbortController();
  /** Aborted to end the wait for the next due delivery. */
  let wake = new AbortController();

  function notify(): void {
    wake.abort();
  }

  async function deliver(delivery: ClaimedDelivery): Promise<void> {
    const atMs = clock.nowMs();
    try {
      const { messageId, url, payload, secrets } = delivery;
      const result = { ...(await send({ messageId, url, payload, secrets }, breakOff.signal)), atMs };
      const next = nextStep(result, delivery.attempts + 1, clock.nowMs(), random);
      await queue.recordAttempt(delivery, result, next);
      observe?.({ next: next.state, durationMs: result.durationMs });
    } catch (error) {
      // Its outcome is unknown to the store, which gives it out again when the lease ends.
      if (!breakOff.signal.aborted)
        logger.error({ err: error, delivery: delivery.id, code: 'webhook.attempt_unrecorded' }, 'webhook attempt not recorded');
    }
  }

  /** Starts what is due as far as there are places. Answers until when there is nothing more to do. */
  async function startDue(): Promise<number> {
    const nowMs = clock.nowMs();
    const free = concurrency - underWay.size;
    if (free === 0) return Infinity;
    const claimed = await queue.claimDue({
      nowMs,
      leaseUntilMs: nowMs + LEASE_MS,
      limit: free,
      perEndpointMax,
      underWay: [...underWay].map(([id, { endpoint }]) => ({ id, endpoint })),
    });
    for (const delivery of claimed) {
      const ended = deliver(delivery).finally(() => {
        underWay.delete(delivery.id);
        notify();
      });
      underWay.set(delivery.id, { endpoint: delivery.endpoint, ended });
    }
    // What is due but was not taken waits for a place, and whatever ends wakes us.
    const nextDueMs = (await queue.nextDueAfter(nowMs)) ?? Infinity;
    return Math.min(nextDueMs, nowMs + POLL_INTERVAL_MS);
  }

  async function run(): Promise<void> {
    while (!stopping) {
      // A new one before looking: what is enqueued from here on wakes us again.
      wake = new AbortController();
      const untilMs = await startDue().catch((error: unknown) => {
        logger.warn({ err: error, code: 'webhook.store_unavailable' }, 'webhook deliveries cannot be read; trying again');
        return clock.nowMs() + POLL_INTERVAL_MS;
      });
      if (untilMs === Infinity) await aborted(wake.signal);
      else await clock.sleepUntil(untilMs, wake.signal);
    }
  }

  const done = run();
  return {
    notify,
    done,
    async close(drainMs = 5000) {
      stopping = true;
      notify();
      await done;
      const timer = setTimeout(() => breakOff.abort(), drainMs);
      await Promise.all([...underWay.values()].map(({ ended }) => ended));
      clearTimeout(timer);
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
