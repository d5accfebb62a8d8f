import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { alertRuleStore, catalogStores, invoiceStore, ratingStore, type Postgres } from '@meterline/backends/postgres';
import type { AlertOccurrence, Database, InvoiceDraft, Occurrence } from '@meterline/pipeline/ports';
import { freshDatabase, onEngines } from '../engines/index.ts';
import { heldAfter, together, untilWaiting } from '../support/parallel.ts';

const NOW_MS = Date.parse('2026-11-22T00:00:00Z');
const DAY_MS = 86_400_000;

await onEngines('billing on parallel connections of PostgreSQL', ['postgres'], async ({ postgres }) => {
  const fresh = await freshDatabase(postgres);
  let database: Postgres;
  let other: Postgres;
  let tenants = 0;
  let tenant = '';

  beforeAll(async () => {
    database = await fresh.open({ poolMax: 16 });
    other = await fresh.open();
  });
  afterAll(() => fresh.drop());
  beforeEach(async () => {
    tenant = `t${(tenants += 1)}`;
    await database.query('insert into tenant (id, name, created_at) values ($1, $1, now())', [tenant]);
    const { customers, plans } = catalogStores(database);
    await customers.insert({ key: 'acme', name: 'Acme', currency: 'USD', timezone: 'UTC', subjects: ['a'] }, NOW_MS, tenant);
    for (const key of ['pro', 'plus']) {
      const billingPeriod = { every: 'month', anchor: 'calendar' } as const;
      await plans.insert({ key, name: key, currency: 'USD', billingPeriod, rateCards: [] }, NOW_MS, tenant);
    }
    await database.query('delete from rating_wakeup');
  });

  const subscribe = (on: Database, id: string, plan = 'pro') => {
    const draft = { id: `${tenant}-${id}`, customer: 'acme', plan, planVersion: 1, startsAtMs: NOW_MS };
    const made = catalogStores(on).subscriptions.insert(draft, { startDayMs: NOW_MS, nowMs: NOW_MS }, tenant);
    return made.then((result) => (typeof result === 'string' ? undefined : result));
  };
  const addRule = (on: Database) =>
    alertRuleStore(on).insert({ key: 'rule', customer: null, plan: 'pro', budget: '10', thresholds: ['80%'] }, NOW_MS, tenant);
  const invoiceOf = (subscription: string, period: number): InvoiceDraft => ({
    id: `${subscription}-${period}-${Math.random().toString(36).slice(2)}`,
    subscription,
    periodFromMs: NOW_MS + period * DAY_MS,
    periodToMs: NOW_MS + (period + 1) * DAY_MS,
    customer: 'acme',
    currency: 'USD',
    total: '1.00',
    issuedAtMs: NOW_MS,
    kind: 'period',
    subscriptionVersion: 1,
    plan: { plan: 'pro', version: 1 },
    priceRevision: 0,
    negotiatedRevision: 0,
    run: 'run',
    prepaid: null,
    finish: (number) => ({ document: JSON.stringify({ number }), message: { number } }),
  });
  const numbers = async () => {
    const rows = await database.query<{ number: string }>('select number from invoice where tenant = $1 order by number', [
      tenant,
    ]);
    return rows.map(({ number }) => Number(/\d+$/.exec(number)?.[0]));
  };
  const occurrence = (threshold: string): AlertOccurrence => ({
    id: `${tenant}-${threshold}`,
    rule: 'rule',
    customer: 'acme',
    periodFromMs: NOW_MS,
    periodToMs: NOW_MS + DAY_MS,
    threshold,
    thresholdAmount: '8.00',
    budget: '10',
    spend: '9.00',
    currency: 'USD',
    cut: [1],
    triggeredAtMs: NOW_MS,
  });

  describe('invoices on parallel connections', () => {
    test('sixteen issuers at once number without gaps, also when some of them fail', async () => {
      const subscription = await subscribe(database, 's');
      const outcomes = await Promise.allSettled(
        Array.from({ length: 16 }, (_, period) => {
          const draft = invoiceOf(subscription?.id ?? '', period);
          const failing = { ...draft, total: 'not a number' };
          return invoiceStore(database).issue(period % 4 === 3 ? failing : draft, tenant);
        }),
      );
      expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(4);
      expect(await numbers()).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
    });

    test('an issuer whose connection is cut before its commit leaves no gap', async () => {
      const subscription = await subscribe(database, 's');
      const held = heldAfter(other, /^insert into invoice \(/);
      const cut = invoiceStore(held.database).issue(invoiceOf(subscription?.id ?? '', 0), tenant);
      await held.reached;
      const next = invoiceStore(database).issue(invoiceOf(subscription?.id ?? '', 1), tenant);
      await untilWaiting(database);
      await database.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and state = 'idle in transaction'`,
      );
      held.release();
      await expect(cut).rejects.toMatchObject({ code: 'billing_store.unreachable' });
      expect(await next).toBe('issued');
      expect(await numbers()).toEqual([1]);
    });

    test('runs that invoice the same period at once make one invoice, one message and one wake-up', async () => {
      const subscription = await subscribe(database, 's');
      await database.query('delete from rating_wakeup');
      const outcomes = await together(
        Array.from({ length: 8 }, () => () => invoiceStore(database).issue(invoiceOf(subscription?.id ?? '', 0), tenant)),
      );
      expect(outcomes.toSorted()).toEqual([...Array.from({ length: 7 }, () => 'exists'), 'issued']);
      expect(await numbers()).toEqual([1]);
      expect(await database.query('select id from webhook_message where tenant = $1', [tenant])).toHaveLength(1);
      expect(await database.query('select id from rating_wakeup where tenant = $1', [tenant])).toHaveLength(1);
    });

    test('a subscription that ends while it is invoiced is drafted anew', async () => {
      const subscription = await subscribe(database, 's');
      const id = subscription?.id ?? '';
      const held = heldAfter(other, /^update subscription/);
      const ends = { endsAtMs: NOW_MS + DAY_MS, billedUntilMs: NOW_MS + DAY_MS, nowMs: NOW_MS };
      const ending = catalogStores(held.database).subscriptions.end(id, ends, tenant);
      await held.reached;
      const issuing = invoiceStore(database).issue(invoiceOf(id, 0), tenant);
      await untilWaiting(database);
      held.release();
      expect(await ending).toMatchObject({ endsAtMs: NOW_MS + DAY_MS });
      expect(await issuing).toBe('stale');
      expect(await numbers()).toEqual([]);
    });

    test('schedulers that find the same due time start one run', async () => {
      const schedule = { cron: '* * * * *', timezone: 'UTC', nextRunAtMs: NOW_MS };
      await invoiceStore(database).putSchedule(schedule, tenant);
      const started = await together(
        Array.from({ length: 8 }, (_, index) => () => {
          const draft = {
            id: `${tenant}-run-${index}`,
            tenant,
            atMs: NOW_MS,
            scheduled: true,
            targetCut: [],
            createdAtMs: NOW_MS,
          };
          return invoiceStore(database).startScheduled(draft, NOW_MS + 60_000);
        }),
      );
      expect(started.filter((run) => run !== undefined)).toHaveLength(1);
      expect(await database.query('select id from invoice_run where tenant = $1', [tenant])).toHaveLength(1);
    });
  });

  describe('rating on parallel connections', () => {
    const waiting = async () => (await ratingStore(database).waiting(100, [])).filter((row) => row.tenant === tenant);

    test.each(['rule', 'subscription'] as const)(
      'a rule and a subscription of its plan made at once: the later one wakes rating, which then sees both (%s first)',
      async (first) => {
        const held = heldAfter(other, first === 'rule' ? /insert into rating_wakeup/ : /^insert into subscription/);
        const earlier = first === 'rule' ? addRule(held.database) : subscribe(held.database, 's');
        await held.reached;
        const later = first === 'rule' ? subscribe(database, 's') : addRule(database);
        // Rating looks whenever there is something to see, and forgets the rows it saw.
        const seen: string[] = [];
        const look = async () => {
          const rows = await waiting();
          const watched = await ratingStore(database).watched(
            [],
            rows.flatMap((row) => [...row.customers]),
            tenant,
          );
          seen.push(...watched.flatMap(({ customer, rules }) => rules.map((rule) => `${customer} ${rule.key}`)));
          await ratingStore(database).conclude(
            [],
            rows.map((row) => row.id),
            tenant,
          );
        };
        await Promise.race([later, untilWaiting(database)]);
        await look();
        held.release();
        await Promise.all([earlier, later]);
        await look();
        expect(seen).toEqual(['acme rule']);
      },
    );

    test('workers that fire the same alert at once keep it once and send one message', async () => {
      await addRule(database);
      const fired = await together(
        Array.from({ length: 8 }, (_, index) => () => {
          const both = [occurrence('80%'), occurrence('90%')];
          return ratingStore(database).conclude(index % 2 === 0 ? both : both.toReversed(), [], tenant);
        }),
      );
      expect(
        fired
          .flat()
          .map((one) => 'threshold' in one && one.threshold)
          .toSorted(),
      ).toEqual(['80%', '90%']);
      expect(await database.query('select id from webhook_message where tenant = $1', [tenant])).toHaveLength(2);
    });

    test('alerts are kept in one order, so that workers never wait for each other in a circle', async () => {
      await addRule(database);
      let concluding: Promise<Occurrence[]> | undefined;
      await other.transaction(async (tx) => {
        const inside = ratingStore({ query: tx.query, transaction: (work) => work(tx), close: async () => {} });
        await inside.conclude([occurrence('80%')], [], tenant);
        concluding = ratingStore(database).conclude([occurrence('90%'), occurrence('80%')], [], tenant);
        await untilWaiting(database);
        // would wait for the waiting one, if that had kept its first already
        await tx.query(`set local lock_timeout = '500ms'`);
        expect(await inside.conclude([occurrence('90%')], [], tenant)).toHaveLength(1);
      });
      expect(await concluding).toEqual([]);
    });

    test('workers share the wake-ups, take their own again, and take over those of a worker that died', async () => {
      for (let count = 0; count < 12; count += 1) {
        await database.query(`insert into rating_wakeup (tenant, customers) values ($1, '["c"]')`, [tenant]);
      }
      const workers = ['one', 'two', 'three'].map((name) => ratingStore(database, name));
      const shares = await together(workers.map((worker) => () => worker.waiting(4, [])));
      expect(new Set(shares.flat().map(({ id }) => id)).size).toBe(12);
      for (const share of shares)
        expect(share.map(({ id }) => Number(id))).toEqual(share.map(({ id }) => Number(id)).toSorted((a, b) => a - b));
      expect(await workers[0]?.waiting(100, [])).toEqual(shares[0]);
      await database.query(`update rating_wakeup set claimed_until = now() - interval '1 ms' where claimed_by = 'two'`);
      expect(await workers[2]?.waiting(100, [])).toHaveLength(8);
      expect(await workers[2]?.waiting(100, [tenant])).toEqual([]);
    });

    test('a wake-up committed late, though its number is small, is found', async () => {
      const held = heldAfter(other, /insert into rating_wakeup/);
      const late = held.database.transaction((tx) =>
        tx.query(`insert into rating_wakeup (tenant, customers) values ($1, '["late"]') returning id`, [tenant]),
      );
      await held.reached;
      await database.query(`insert into rating_wakeup (tenant, customers) values ($1, '["early"]')`, [tenant]);
      const [early] = await waiting();
      expect(early?.customers).toEqual(['early']);
      await ratingStore(database).conclude([], [early?.id ?? ''], tenant);
      held.release();
      await late;
      expect((await waiting()).map((row) => row.customers)).toEqual([['late']]);
    });
  });

  describe('the catalogue on parallel connections', () => {
    const claim = (on: Database, key: string, subjects: string[]) =>
      catalogStores(on).customers.insert({ key, name: key, currency: 'USD', timezone: 'UTC', subjects }, NOW_MS, tenant);

    test('of customers that claim the same subjects at once one gets them all, the others nothing', async () => {
      const outcomes = await together(
        Array.from({ length: 8 }, (_, index) => () => {
          const subjects = ['x', 'y', 'z'];
          return claim(database, `c${index}`, index % 2 === 0 ? subjects : subjects.toReversed());
        }),
      );
      expect(outcomes.filter((outcome) => 'key' in outcome)).toHaveLength(1);
      const owners = await database.query(
        `select distinct customer from customer_subject where tenant = $1 and customer <> 'acme'`,
        [tenant],
      );
      expect(owners).toHaveLength(1);
    });

    test('subjects are claimed in one order, so that customers never wait for each other in a circle', async () => {
      let claiming: Promise<unknown> | undefined;
      await other.transaction(async (tx) => {
        await tx.query(`insert into customer_subject (tenant, subject, customer) values ($1, 'x', 'acme')`, [tenant]);
        claiming = claim(database, 'late', ['y', 'x']);
        await untilWaiting(database);
        await tx.query(`set local lock_timeout = '500ms'`);
        await tx.query(`insert into customer_subject (tenant, subject, customer) values ($1, 'y', 'acme')`, [tenant]);
      });
      expect(await claiming).toEqual({ refused: 'subjects_taken', subjects: ['y', 'x'] });
    });

    test('a customer subscribes to a plan once, however many ask at once', async () => {
      const made = await together(Array.from({ length: 8 }, (_, index) => () => subscribe(database, `s${index}`)));
      expect(made.filter((subscription) => subscription !== undefined)).toHaveLength(1);
    });

    test('versions of a plan are numbered without gaps', async () => {
      await together(
        Array.from({ length: 8 }, () => () => catalogStores(database).plans.addVersion('pro', { rateCards: [] }, NOW_MS, tenant)),
      );
      const { items } = await catalogStores(database).plans.versions('pro', { after: null, limit: 20 }, tenant);
      expect(items.map(({ version }) => version)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    });
  });
});
