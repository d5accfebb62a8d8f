import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { METERS, setUp } from '../chaos/catalog.ts';
import { createBillingModel } from '../chaos/checks.ts';
import { createClient } from '../chaos/client.ts';
import { createModel } from '../chaos/model.ts';
import { monthOf } from '../chaos/months.ts';
import { startReceiver, type Receiver } from '../chaos/receiver.ts';
import { ADMIN_KEY } from '../chaos/server-process.ts';
import { createTraffic } from '../chaos/traffic.ts';
import { createDriverClock, createVerification } from '../chaos/verification.ts';
import { SERVICES, startCluster, untilScreening, watchLeases, type Cluster, type LeaseWatch } from '../cluster/index.ts';
import { onEngines } from '../engines/index.ts';
import { seededRandom } from '../support/usage-model.ts';

const START = Date.parse('2026-03-30T12:00:00Z');
const MONTH = monthOf(START);
const TAKEOVER_MS_MAX = 10_000;
const TRAFFIC = { eventsPerSecond: 100, forMs: 3_000 };

await onEngines('the distributed profile', ['kafka', 'clickhouse', 'postgres', 'redis'], (engines) => {
  describe('the distributed profile, as processes of its own behind one address', () => {
    const random = seededRandom(20_261_122);
    const clock = createDriverClock(START);
    const model = createModel();
    const billing = createBillingModel(model);
    let cluster: Cluster;
    let leases: LeaseWatch;
    let receiver: Receiver;
    let traffic: ReturnType<typeof createTraffic>;
    let verification: ReturnType<typeof createVerification>;

    beforeAll(async () => {
      receiver = await startReceiver(random);
      cluster = await startCluster({
        engines,
        ingests: 2,
        aggregators: 2,
        partitions: 6,
        env: { METERLINE_ADMIN_KEY: ADMIN_KEY, METERLINE_TEST_CLOCK: new Date(clock.nowMs()).toISOString() },
      });
      leases = await watchLeases(cluster.env['METERLINE_POSTGRES_URL'] ?? '');
      const client = createClient(cluster.url);
      traffic = createTraffic({ ...TRAFFIC, url: cluster.url, client, model, random, nowMs: clock.nowMs });
      verification = createVerification({ client, model, billing, traffic, receiver, clock });
      await setUp(client, receiver.url, '2026-03-01T00:00:00Z');
      await untilScreening(cluster, METERS.length);
    });
    afterAll(async () => {
      await traffic.close();
      await leases.close();
      await cluster.stop();
      await receiver.close();
    });

    /** Sends duplicates, conflicts, bad events and corrections, too, until `during` is over, and then compares everything. */
    async function exactWhile(during: () => Promise<unknown>): Promise<void> {
      const stop = new AbortController();
      const flowing = traffic.run({ corrections: true, earliestMs: 0 }, stop.signal);
      await during().finally(() => stop.abort());
      await flowing;
      await verification.check(MONTH);
      expect(verification.differences).toEqual([]);
    }

    it('counts and prices exactly what two ingests took, and fires each alert once', async () => {
      await exactWhile(() => sleep(TRAFFIC.forMs));
      expect(traffic.counts.voided + traffic.counts.replaced).toBeGreaterThan(0);
      expect(receiver.messages.size).toBeGreaterThan(0);
    });

    it('lets another aggregator take over within 10 s of a SIGKILL', async () => {
      let tookMs = Infinity;
      await exactWhile(async () => {
        const pid = cluster.pid('aggregator', 0) ?? 0;
        const killedAtMs = performance.now();
        await cluster.kill('aggregator', 0);
        const held = await leases.heldBy(pid);
        expect(held.size).toBe(3);
        await leases.takenOver(held, pid);
        tookMs = performance.now() - killedAtMs;
        await cluster.start('aggregator', 0);
      });
      expect(tookMs).toBeLessThan(TAKEOVER_MS_MAX);
    });

    it('loses and doubles nothing while every process is restarted in turn', async () => {
      const codes: (number | null)[] = [];
      await exactWhile(async () => {
        for (const service of SERVICES) {
          for (const index of cluster.urls[service].keys()) {
            codes.push(await cluster.end(service, index));
            await cluster.start(service, index);
          }
        }
      });
      expect(codes).toEqual([0, 0, 0, 0, 0, 0]);
    });

    it('invoices the month as the model does', async () => {
      billing.bill(MONTH);
      await verification.moveTo(MONTH.toMs + 5 * 60_000 + 1_000);
      await verification.checkInvoices();
      await verification.check(monthOf(MONTH.toMs));
      expect(verification.differences).toEqual([]);
      expect(billing.invoices()).toBe(4);
    });

    it('tells every process at once what a customer may still use', async () => {
      const call = async (method: string, route: string, body?: object) => {
        const answer = await fetch(cluster.url + route, {
          method,
          headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
          ...(body && { body: JSON.stringify(body) }),
        });
        const document = (await answer.json()) as Record<string, unknown>;
        if (!answer.ok) throw new Error(JSON.stringify(document));
        return document;
      };
      const at = new Date(clock.nowMs()).toISOString();
      await call('POST', '/v1/meters', { key: 'mails', eventType: 'mail', aggregation: 'count' });
      await call('POST', '/v1/features', { key: 'mailing', name: 'Mailing', meter: 'mails' });
      await call('POST', '/v1/plans', {
        ...{ key: 'mail', name: 'Mail', currency: 'USD', billingPeriod: { every: 'month', anchor: 'calendar' } },
        rateCards: [{ key: 'fee', name: 'Fee', price: { model: 'flat', amount: '1.00' } }],
        features: [{ feature: 'mailing', entitlement: { type: 'metered', limit: '3' } }],
      });
      await call('POST', '/v1/customers', { key: 'sender', name: 'Sender', currency: 'USD', subjects: ['mailbox'] });
      await call('POST', '/v1/subscriptions', { customer: 'sender', plan: 'mail' });
      const check = () => call('GET', '/v1/customers/sender/entitlements/mailing');
      expect(await check()).toMatchObject({ hasAccess: true, balance: '3' });
      const mail = (id: string) => ({ specversion: '1.0', id, source: 'mail', type: 'mail', subject: 'mailbox', time: at });
      await untilScreening(cluster, METERS.length + 1);
      await call('POST', '/v1/events', [mail('1'), mail('2')]);
      await expect.poll(check, { timeout: 20_000 }).toMatchObject({ hasAccess: true, used: '2' });
      await call('POST', '/v1/events', [mail('3'), mail('4')]);
      await expect.poll(check, { timeout: 20_000 }).toMatchObject({ hasAccess: false, used: '4', overage: '1' });
      expect(await call('POST', '/v1/entitlements/rebuild')).toEqual({ forgotten: 1 });
      expect(await check()).toMatchObject({ hasAccess: false, used: '4' });
    });
  });
});
