import { setTimeout as sleep } from 'node:timers/promises';
import {
  checkAlerts,
  checkReconciliation,
  checkSpend,
  checkUsage,
  checkWebhooks,
  type createBillingModel,
  type Observed,
} from './checks.ts';
import type { Client } from './client.ts';
import { checkLife, checkLifeWebhooks } from './life/checks.ts';
import type { Life } from './life/play.ts';
import type { Model } from './model.ts';
import type { Month } from './months.ts';
import type { Receiver } from './receiver.ts';
import type { createTraffic } from './traffic.ts';

const SETTLE_MS_MAX = 120_000;

interface VerificationOptions {
  readonly client: Client;
  readonly model: Model;
  readonly billing: ReturnType<typeof createBillingModel>;
  readonly traffic: ReturnType<typeof createTraffic>;
  readonly receiver: Receiver;
  readonly clock: DriverClock;
}

/** Compares all there is with the model, over HTTP, and keeps what differs. */
export function createVerification({ client, model, billing, traffic, receiver, clock }: VerificationOptions) {
  const observed = observedOver(client);
  const differences: string[] = [];

  async function eventually(
    what: string,
    check: () => Promise<string[]>,
    between: () => Promise<void> = async () => undefined,
  ): Promise<void> {
    const giveUpMs = performance.now() + SETTLE_MS_MAX;
    for (;;) {
      const found = await check();
      if (found.length === 0) return;
      if (performance.now() > giveUpMs) {
        differences.push(...found.map((difference) => `${what}: ${difference}`));
        return;
      }
      await between();
      await sleep(250);
    }
  }

  async function moveTo(toMs: number): Promise<void> {
    clock.moveTo(toMs);
    await client.post('/v1/clock', { now: new Date(toMs).toISOString() });
  }

  /** Retries of webhooks wait on the server's clock for up to hours. */
  const untilRetried = () => moveTo(clock.nowMs() + 5 * 60_000);

  return {
    /** What was not as it must be, so far. */
    differences,
    moveTo,
    /** Everything that was sent is acknowledged and nothing is being sent: usage, spend, alerts, webhooks and Meterline's own invariants. */
    async check(month: Month): Promise<void> {
      await eventually('the log', async () => {
        const { invariants } = await observed.reconcile();
        const pending = Number(invariants[0]?.counts['pending']);
        return pending === 0 ? [] : [`${pending} records are not counted`];
      });
      differences.push(...(await checkUsage(observed, model)));
      differences.push(...(await checkReconciliation(observed, model, traffic.counts)));
      differences.push(...(await checkSpend(client, model, month)));
      differences.push(...traffic.faults());
      await eventually('alerts', () => checkAlerts(client, model, month));
      await eventually('webhooks', () => checkWebhooks(client, receiver), untilRetried);
    },
    /** A sandbox that went through its months. */
    async checkLife(life: Life): Promise<void> {
      differences.push(...(await checkLife(life)));
      await eventually('webhooks of a sandbox', () => checkLifeWebhooks(life), untilRetried);
    },
    /** Of the sandboxes that were deleted no invoice is left. */
    checkSwept: () =>
      eventually('deleted sandboxes', async () => {
        const { invariants } = await observed.reconcile();
        const left = Number(invariants.find(({ counts }) => 'reRated' in counts)?.counts['invoices']) - billing.invoices();
        return left === 0 ? [] : [`${left} invoices are left`];
      }),
    /** Every run that was begun comes to its end, and bills what the model says. */
    async checkInvoices(): Promise<void> {
      await eventually('invoice runs', async () => {
        const runs = await client.all<{ id: string; state: string }>('/v1/invoice-runs');
        const open = runs.filter(({ state }) => state !== 'complete').map(({ id, state }) => `${id} is ${state}`);
        return runs.length === 0 ? ['none has begun'] : open;
      });
      differences.push(...(await billing.check(client)));
    },
  };
}

const ALL_TIME = { from: '2026-02-01T00:00:00Z', to: '2030-01-01T00:00:00Z' };

function observedOver(client: Client): Observed {
  const query = `from=${ALL_TIME.from}&to=${ALL_TIME.to}&groupBy=subject,media`;
  return {
    usage: async (meter) =>
      (await client.get<{ rows: Awaited<ReturnType<Observed['usage']>> }>(`/v1/meters/${meter}/usage?${query}`)).rows,
    reconcile: () => client.get('/v1/reconciliation'),
  };
}

export type DriverClock = ReturnType<typeof createDriverClock>;

/** Follows the server's clock: it is told to the server, and ticks on like it. */
export function createDriverClock(startMs: number) {
  let shiftMs = startMs - performance.now();
  const nowMs = () => Math.floor(performance.now() + shiftMs);
  return {
    nowMs,
    moveTo(toMs: number): void {
      shiftMs = toMs - performance.now();
    },
  };
}
