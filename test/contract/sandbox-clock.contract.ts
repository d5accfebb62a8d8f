import {
  catalogStores,
  deliveryQueue,
  enqueueMessage,
  invoiceStore,
  sandboxStore,
  tenantClock,
  webhookDeliveryStore,
  webhookEndpointStore,
} from '@meterline/backends/postgres';
import { nextRunMs } from '@meterline/pipeline/invoices';
import type { Database } from '@meterline/pipeline/ports';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

const SERVER_MS = Date.parse('2026-11-22T15:00:00Z');
const START_MS = Date.parse('2025-01-01T00:10:00Z');
const MONTHLY = { cron: '5 0 1 * *', timezone: 'UTC' };

let tenants = 0;

/** What the clocks of sandboxes must keep on every billing store, with two processes on it. */
export function sandboxClockContract(name: string, open: () => Promise<readonly [Database, Database]>): void {
  describe(`clocks of sandboxes on ${name}`, () => {
    let processes: readonly [Database, Database];
    let owner: string;
    let box: string;
    beforeAll(async () => {
      processes = await open();
    });
    afterAll(() => Promise.all(processes.map((database) => database.close())));
    beforeEach(async () => {
      owner = `owner-${name}-${(tenants += 1)}`;
      await processes[0].query('insert into tenant (id, name, created_at) values ($1, $1, now())', [owner]);
      box = await sandbox('box');
    });

    async function sandbox(key: string): Promise<string> {
      const schedule = { ...MONTHLY, nextRunAtMs: nextRunMs(MONTHLY, START_MS) };
      const adminKey = { id: `${owner}-${key}`, secretHash: new Uint8Array(32) };
      const draft = { key, name: key, clockShiftMs: START_MS - SERVER_MS, schedule, adminKey };
      const made = await sandboxStore(processes[0]).insert(draft, SERVER_MS, owner);
      if (made === undefined) throw new Error(`${key} was not inserted`);
      return made.ownTenant;
    }

    const serverClock = { nowMs: () => SERVER_MS, sleepUntil: () => Promise.reject(new Error('nobody waits here')) };
    const step = (database: Database) => sandboxStore(database).step(SERVER_MS);
    const startedBy = (database: Database, atMs: number, tenant: string) => {
      const draft = {
        id: `${tenant}-${atMs}-${Math.random()}`,
        tenant,
        atMs,
        scheduled: true,
        targetCut: [0],
        createdAtMs: atMs,
      };
      return invoiceStore(database).startScheduled(draft, nextRunMs(MONTHLY, atMs));
    };
    const dueOf = async (database: Database, tenant: string) =>
      (await invoiceStore(database).due(SERVER_MS)).find((schedule) => schedule.tenant === tenant)?.nextRunAtMs;

    test('a moved clock holds in every process from the very next question on, and for no other tenant', async () => {
      const other = await sandbox('other');
      const clocks = processes.map((database) => tenantClock(database, serverClock));
      const ask = (tenant: string) => Promise.all(clocks.map(async (clock) => clock.nowMs(tenant)));
      for (const [tenant, ms] of [
        [box, START_MS],
        [other, START_MS],
        [owner, SERVER_MS],
      ] as const) expect(await ask(tenant)).toEqual([ms, ms]); // prettier-ignore

      const day = START_MS + 86_400_000;
      await sandboxStore(processes[0]).send(day, box);
      await step(processes[1]);
      expect(await ask(box)).toEqual([day, day]);
      expect(await clocks[1]?.aheadMs(box)).toBe(day - SERVER_MS);
      expect([await ask(other), await ask(owner)]).toEqual([
        [START_MS, START_MS],
        [SERVER_MS, SERVER_MS],
      ]);
      expect([await clocks[0]?.aheadMs(owner), await clocks[0]?.aheadMs('nobody')]).toEqual([0, 0]);
    });

    test('however many processes step, a clock stops at every due time until its run is complete, and then arrives', async () => {
      const [one, two] = processes;
      const clock = tenantClock(two, serverClock);
      const targetMs = Date.parse('2025-07-15T00:00:00Z');
      await sandboxStore(one).send(targetMs, box);
      const runsAt: string[] = [];
      for (let turn = 0; turn < 100 && (await sandboxStore(two).thatIs(box))?.movingToMs !== null; turn += 1) {
        await Promise.all([step(one), step(two), step(one), step(two)]);
        const dueMs = await dueOf(one, box);
        if (dueMs === undefined) continue;
        expect(await clock.nowMs(box)).toBe(dueMs);
        const [run, again] = await Promise.all([startedBy(one, dueMs, box), startedBy(two, dueMs, box)]);
        const started = run ?? again;
        if (started === undefined) throw new Error('nobody started the run');
        // Its run is not complete: nobody takes the clock on.
        await Promise.all([step(one), step(two)]);
        expect([await clock.nowMs(box), await dueOf(two, box)]).toEqual([dueMs, undefined]);
        runsAt.push(new Date(dueMs).toISOString().slice(0, 16));
        await invoiceStore(two).completeRun(started.id, dueMs, box);
      }
      expect(runsAt).toEqual(['02', '03', '04', '05', '06', '07'].map((month) => `2025-${month}-01T00:05`));
      expect(await clock.nowMs(box)).toBe(targetMs);
      expect(await sandboxStore(one).thatIs(box)).toMatchObject({ movingToMs: null });
    });

    test('a clock waits for what usage has still to tell', async () => {
      const [one] = processes;
      await sandboxStore(one).send(START_MS + 1_000, box);
      await one.query('insert into rating_wakeup (tenant, subjects) values ($1, $2::jsonb)', [box, '["s"]']);
      const standing = { tenant: box, clockShiftMs: START_MS - SERVER_MS, leftMs: 1_000 };
      expect(await step(one)).toContainEqual(standing);
      expect(await step(one)).toContainEqual(standing);
      expect(await sandboxStore(one).thatIs(box)).toMatchObject({ clockShiftMs: START_MS - SERVER_MS });
      await one.query('delete from rating_wakeup where tenant = $1', [box]);
      await step(one);
      expect(await tenantClock(one, serverClock).nowMs(box)).toBe(START_MS + 1_000);
      // It sees that it has arrived.
      await step(one);
      expect((await step(one)).map(({ tenant }) => tenant)).not.toContain(box);
    });

    test('a clock stops where something of a trial is to be told, and goes on when it is', async () => {
      const [one] = processes;
      const { customers, plans, subscriptions } = catalogStores(one);
      await customers.insert({ key: 'acme', name: 'Acme', currency: 'USD', timezone: 'UTC', subjects: [] }, START_MS, box);
      const billingPeriod = { every: 'month', anchor: 'calendar' } as const;
      await plans.insert({ key: 'pro', name: 'Pro', currency: 'USD', billingPeriod, rateCards: [] }, START_MS, box);
      const draft = { id: `${box}-sub`, customer: 'acme', plan: 'pro', planVersion: 1, startsAtMs: START_MS };
      await subscriptions.insert(draft, { startDayMs: START_MS, nowMs: START_MS }, box);
      await one.query('delete from rating_wakeup where tenant = $1', [box]);
      const dueMs = Date.parse('2025-01-12T00:00:00Z');
      await one.query(
        `insert into trial_notice (tenant, subscription, kind, trial_until, due_at) values ($1, $2, 'will_end', '2025-01-15T00:00:00Z', $3)`,
        [box, draft.id, new Date(dueMs)],
      );
      const targetMs = Date.parse('2025-01-20T00:00:00Z');
      await sandboxStore(one).send(targetMs, box);
      await step(one);
      await step(one);
      const clock = tenantClock(one, serverClock);
      expect(await clock.nowMs(box)).toBe(dueMs);
      await one.query('update trial_notice set told_at = $1 where tenant = $2', [new Date(dueMs), box]);
      await step(one);
      await step(one);
      expect(await clock.nowMs(box)).toBe(targetMs);
      expect(await sandboxStore(one).thatIs(box)).toMatchObject({ movingToMs: null });
    });

    test('a clock on its way is not sent back to where it passes', async () => {
      const store = sandboxStore(processes[0]);
      expect(await store.send(START_MS + 2_000, box)).toBe(true);
      expect(await store.send(START_MS + 1_000, box)).toBe(false);
      expect(await store.send(START_MS + 3_000, box)).toBe(true);
      expect(await store.send(START_MS + 4_000, owner)).toBe(false);
      expect((await store.thatIs(box))?.movingToMs).toBe(START_MS + 3_000);
    });

    test('a removed sandbox takes all its rows along, whoever sweeps, and its tenant is not used again', async () => {
      const [one, two] = processes;
      const { customers } = catalogStores(one);
      await customers.insert({ key: 'acme', name: 'Acme', currency: 'USD', timezone: 'UTC', subjects: ['a'] }, START_MS, box);
      const count = async (table: string) =>
        (await one.query<{ n: number }>(`select count(*)::integer as n from ${table} where tenant = $1`, [box]))[0]?.n;
      const tables = ['customer_subject', 'customer', 'audit_record', 'api_key', 'invoice_schedule'];
      const counts = () => Promise.all(tables.map(count));
      expect((await counts()).every((rows) => rows !== 0)).toBe(true);
      await expect(one.query('delete from audit_record where tenant = $1', [box])).rejects.toThrow('never changes');

      expect(await sandboxStore(one).remove('box', SERVER_MS, 'somebody')).toBeUndefined();
      expect(await sandboxStore(one).remove('box', SERVER_MS, owner)).toBe(box);
      expect(await sandboxStore(one).remove('box', SERVER_MS, owner)).toBeUndefined();
      expect((await counts()).slice(3)).toEqual([0, 0]);
      await Promise.all([one, two].map((database) => sandboxStore(database).sweep(SERVER_MS)));
      await invoiceStore(one).addMissingSchedules({ ...MONTHLY, nextRunAtMs: SERVER_MS });
      expect(await counts()).toEqual([0, 0, 0, 0, 0]);
      // Whoever was let in before may still have written: it is looked at again a minute later, until nothing is left.
      expect(await sandboxStore(two).sweep(SERVER_MS + 59_999)).toContain(box);
      expect(await sandboxStore(two).sweep(SERVER_MS + 60_000)).toContain(box);
      expect(await sandboxStore(two).sweep(SERVER_MS + 60_000)).not.toContain(box);
      expect([await sandbox('box'), await count('customer')]).toEqual([`${owner}/box/2`, 0]);
    });

    test("what a sandbox tells is due by the server's time, at once and again", async () => {
      const [database] = processes;
      const draft = { url: 'https://receiver.example/', events: ['ping' as const], secret: 'whsec_a' };
      for (const [tenant, atMs] of [
        [box, START_MS],
        [owner, SERVER_MS],
      ] as const) {
        const { id: endpoint } = await webhookEndpointStore(database).insert(draft, atMs, tenant);
        const message = { tenant, type: 'ping', data: {}, createdAtMs: atMs } as const;
        const sent = await database.transaction((tx) => enqueueMessage(tx, message));
        const replayed = await webhookDeliveryStore(database).replay(sent.deliveries[0] ?? '', atMs, tenant);
        const request = { leaseUntilMs: SERVER_MS + 1, limit: 10, perEndpointMax: 10, underWay: [] };
        const claimed = (nowMs: number) => deliveryQueue(database).claimDue({ ...request, nowMs });
        expect((await claimed(SERVER_MS - 1)).filter((one) => one.endpoint === endpoint)).toEqual([]);
        const due = (await claimed(SERVER_MS)).filter((one) => one.endpoint === endpoint).map(({ id }) => id);
        expect(due.toSorted()).toEqual([...sent.deliveries, replayed?.id ?? ''].toSorted());
      }
    });
  });
}
