import { catalogStores, invoiceStore } from '@meterline/backends/postgres';
import { Fault } from '@meterline/domain/faults';
import type { Database, InvoiceDraft } from '@meterline/pipeline/ports';
import { type ChangeRequest, changesOf, executeChange, withdrawChange } from '@meterline/pipeline/subscription-changes';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { heldAfter, together, untilWaiting } from '../support/parallel.ts';

const NOW_MS = Date.parse('2026-03-15T12:00:00Z');
const MARCH_MS = Date.parse('2026-03-01T00:00:00Z');
const APRIL_MS = Date.parse('2026-04-01T00:00:00Z');

let tenants = 0;

/** What changes of subscriptions must keep on every billing store, however many are made at once. */
export function subscriptionChangeContract(name: string, open: () => Promise<Database>, options = { isParallel: false }): void {
  describe(`changes of subscriptions on ${name}`, () => {
    let database: Database;
    let tenant: string;
    let subscription: string;
    beforeAll(async () => {
      database = await open();
    });
    afterAll(() => database.close());
    beforeEach(async () => {
      tenant = `changes-${name}-${(tenants += 1)}`;
      subscription = `${tenant}-sub`;
      await database.query('insert into tenant (id, name, created_at) values ($1, $1, now())', [tenant]);
      const { customers, plans } = catalogStores(database);
      await customers.insert({ key: 'acme', name: 'Acme', currency: 'USD', timezone: 'UTC', subjects: ['a'] }, NOW_MS, tenant);
      const billingPeriod = { every: 'month', anchor: 'calendar' } as const;
      const rateCards = [{ key: 'seats', name: 'Seats', price: { model: 'flat', amount: '10.00' } as const }];
      for (const key of ['free', 'pro', 'max'])
        await plans.insert({ key, name: key, currency: 'USD', billingPeriod, rateCards }, NOW_MS, tenant);
      await subscribe(subscription, 'free');
    });

    const subscribe = (id: string, plan: string) =>
      catalogStores(database).subscriptions.insert(
        { id, customer: 'acme', plan, planVersion: 1, startsAtMs: MARCH_MS },
        { startDayMs: MARCH_MS, nowMs: NOW_MS },
        tenant,
      );
    const ports = (db = database) => {
      const { customers, plans, subscriptions } = catalogStores(db);
      return { customers, plans, subscriptions, invoices: invoiceStore(db), clock: { nowMs: () => NOW_MS } };
    };
    const change = (request: ChangeRequest, id = subscription, db = database) => executeChange(ports(db), id, request, tenant);
    const codeOf = (work: Promise<unknown>) =>
      work.then(
        () => 'made',
        (error: unknown) => (error instanceof Fault ? error.code : Promise.reject(error as Error)),
      );
    const invoice = (version: number): InvoiceDraft => ({
      id: `${tenant}-invoice`,
      kind: 'period',
      prepaid: null,
      subscription,
      customer: 'acme',
      currency: 'USD',
      total: '1.00',
      periodFromMs: MARCH_MS,
      periodToMs: APRIL_MS,
      issuedAtMs: NOW_MS,
      subscriptionVersion: version,
      plan: { plan: 'free', version: 1 },
      priceRevision: 0,
      negotiatedRevision: 0,
      run: 'run',
      finish: (number) => ({ document: JSON.stringify({ number }), message: {} }),
    });
    const messages = async () =>
      (
        await database.query<{ payload: string }>(
          `select payload from webhook_message where type = 'subscription.changed' and tenant = $1 order by created_at, id`,
          [tenant],
        )
      ).map(({ payload }) => (JSON.parse(payload) as { data: Record<string, unknown> }).data);

    test('a change, its stages, its version, its message and its wake-up are there together; reading gives back what was made', async () => {
      await database.query('delete from rating_wakeup');
      const made = await change({ kind: 'plan', plan: 'pro', until: '2026-03-20T00:00:00Z' });
      expect(made.subscription).toMatchObject({ version: 2, endsAtMs: null });
      expect(made.subscription.stages.map(({ plan, fromMs, untilMs }) => [plan, fromMs, untilMs])).toEqual([
        ['free', MARCH_MS, Date.parse('2026-03-15T00:00:00Z')],
        ['pro', Date.parse('2026-03-15T00:00:00Z'), Date.parse('2026-03-20T00:00:00Z')],
        ['free', Date.parse('2026-03-20T00:00:00Z'), null],
      ]);
      const { id, kind, fromMs, untilMs, terms } = made.change;
      expect(await changesOf(ports(), subscription, tenant)).toMatchObject([
        { kind: 'start', seq: 1 },
        { id, kind, fromMs, untilMs, terms, seq: 2, withdrawnAtMs: null },
      ]);
      expect(await messages()).toMatchObject([{ subscription, version: 2, change: made.change.id, kind: 'plan' }]);
      expect(await database.query('select id from rating_wakeup where tenant = $1', [tenant])).toHaveLength(1);
    });

    test('of 32 changes made at once one is made, 31 are told that the subscription changed, and the stages are those of the one', async () => {
      const { subscriptions } = catalogStores(database);
      const [start] = await subscriptions.changes(subscription, tenant);
      const before = await subscriptions.byId(subscription, tenant);
      const [stage] = before?.stages ?? [];
      if (start === undefined || before === undefined || stage === undefined) throw new Error('no subscription');
      const outcomes = await together(
        Array.from({ length: 32 }, (_, index) => async () => {
          const terms = { plan: index % 2 === 0 ? 'pro' : 'max', planVersion: 1, commitment: null };
          const fromMs = MARCH_MS + (index + 1) * 86_400_000;
          const own = { ...start, id: `${tenant}-${index}`, seq: 2, kind: 'plan', fromMs, terms } as const;
          const stages = [
            { ...stage, untilMs: fromMs },
            { ...stage, ...terms, fromMs, change: own.id },
          ];
          const decidedBy = { version: before.version, billedThroughMs: null };
          const update = { subscription, ...decidedBy, change: own, withdraws: [], stages, endsAtMs: null, fromMs };
          return subscriptions.update(update, NOW_MS, tenant);
        }),
      );
      const made = outcomes.filter((outcome) => typeof outcome === 'object');
      expect(outcomes.filter((outcome) => outcome === 'changed')).toHaveLength(31);
      expect(made).toHaveLength(1);
      const after = await subscriptions.byId(subscription, tenant);
      expect(after).toEqual(made[0]);
      expect(after?.version).toBe(before.version + 1);
      const changes = await subscriptions.changes(subscription, tenant);
      expect(changes).toHaveLength(2);
      expect(after?.stages.map(({ fromMs, change: by }) => [fromMs, by])).toEqual([
        [MARCH_MS, start.id],
        [changes[1]?.fromMs, changes[1]?.id],
      ]);
      expect(await messages()).toHaveLength(1);
    });

    test('of 32 requests at once each is made on top of those before it, or refused because it did not know of one', async () => {
      const codes = await together(
        Array.from(
          { length: 32 },
          (_, index) => () => codeOf(change({ kind: 'quantity', quantities: { seats: String(index + 2) } })),
        ),
      );
      const made = codes.filter((code) => code === 'made').length;
      expect(made).toBeGreaterThan(0);
      expect(codes.filter((code) => code !== 'made' && code !== 'subscription.changed_since')).toEqual([]);
      const { subscriptions } = catalogStores(database);
      expect((await subscriptions.byId(subscription, tenant))?.version).toBe(1 + made);
      expect((await subscriptions.changes(subscription, tenant)).map(({ seq }) => seq)).toEqual(
        Array.from({ length: made + 1 }, (_, index) => index + 1),
      );
    });

    test('two subscriptions that change to one plan at once: one does, as no customer has a plan twice', async () => {
      await subscribe(`${tenant}-other`, 'pro');
      const codes = await together([
        () => codeOf(change({ kind: 'plan', plan: 'max' })),
        () => codeOf(change({ kind: 'plan', plan: 'max' }, `${tenant}-other`)),
      ]);
      expect(codes.toSorted()).toEqual(['made', 'subscription.overlaps']);
      expect(await catalogStores(database).subscriptions.byId(subscription, tenant)).toBeDefined();
    });

    test('of an invoice and a change of its days, whichever comes second knows of the first', async () => {
      const [issued, code] = await Promise.all([
        invoiceStore(database).issue(invoice(1), tenant),
        codeOf(change({ kind: 'plan', plan: 'pro' })),
      ]);
      expect([
        ['issued', 'subscription.invoiced'],
        ['stale', 'made'],
      ]).toContainEqual([issued, code]);
    });

    test('withdrawing leaves what is without the change, once', async () => {
      const { change: scheduled } = await change({ kind: 'plan', plan: 'pro', at: 'period_end' });
      const withdrawals = await together(
        Array.from({ length: 4 }, () => () => codeOf(withdrawChange(ports(), subscription, scheduled.id, tenant))),
      );
      expect(withdrawals.filter((code) => code === 'made')).toHaveLength(1);
      const after = await catalogStores(database).subscriptions.byId(subscription, tenant);
      expect(after).toMatchObject({ version: 3, stages: [{ plan: 'free', untilMs: null }] });
    });

    if (!options.isParallel) return;

    test('an invoice that waits behind a change is drafted anew', async () => {
      const held = heldAfter(database, /^update subscription set/);
      const changing = change({ kind: 'plan', plan: 'pro' }, subscription, held.database);
      await held.reached;
      const issuing = invoiceStore(database).issue(invoice(1), tenant);
      await untilWaiting(database);
      held.release();
      await changing;
      expect(await issuing).toBe('stale');
    });
  });
}
