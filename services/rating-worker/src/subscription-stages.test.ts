import { catalogStores } from '@meterline/backends/postgres';
import type { InvoiceDocument } from '@meterline/domain/invoices';
import { subscriptionCatalog } from '@meterline/pipeline/catalog';
import { executeInvoiceRun, invoiceAccounting, requestInvoiceRun } from '@meterline/pipeline/invoices';
import type { Database } from '@meterline/pipeline/ports';
import { spendOf } from '@meterline/pipeline/spend';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openTestDatabase } from '../../../test/support/database.ts';
import { openRatingFixture, type RatingFixture } from '../../../test/support/rating.ts';
import { changeNow, withdrawNow } from '../../../test/support/subscription-changes.ts';

let database: Database;
let it: RatingFixture;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  it = await openRatingFixture(database, '2026-01-01T00:00:00Z');
  await it.meter('calls');
  // Pay as you go: a cent a call. Package: 28.00 a month with 1,000 calls, then half a cent. Team: 31.00 for each seat.
  await it.plan('payg', [{ key: 'calls', name: 'Calls', meter: 'calls', price: { model: 'per_unit', unitAmount: '0.01' } }]);
  const overagePrice = { model: 'per_unit', unitAmount: '0.005' } as const;
  await it.plan('package', [
    {
      key: 'package',
      name: 'Package',
      meter: 'calls',
      price: { model: 'flat', amount: '28.00' },
      modifiers: { allowance: { units: '1000', overagePrice } },
    },
  ]);
  await it.plan('team', [
    { key: 'seats', name: 'Seats', price: { model: 'flat', amount: '31.00' } },
    { key: 'setup', name: 'Setup', price: { model: 'flat', amount: '7.00', interval: 'once' } },
    {
      key: 'calls',
      name: 'Calls',
      meter: 'calls',
      price: {
        model: 'graduated',
        tiers: [
          { upTo: '100', unitAmount: '0.01' },
          { upTo: null, unitAmount: '0' },
        ],
      },
    },
  ]);
  await it.customer('acme', ['a']);
});
afterEach(() => it.close());

async function billAt(day: string): Promise<string[]> {
  it.clock.moveTo(Date.parse(`${day}T00:00:00Z`));
  const run = await requestInvoiceRun(it.ports, undefined, it.tenant);
  await it.jobs.idle();
  await executeInvoiceRun(it.ports, run);
  return (await documents()).map(
    ({ period, plan, total }) => `${period.from.slice(5, 10)}..${period.to.slice(5, 10)} ${plan} ${total}`,
  );
}

const documents = async () => (await it.invoices()).map(({ document }) => JSON.parse(document) as InvoiceDocument);
const moveTo = (day: string) => it.clock.moveTo(Date.parse(`${day}T12:00:00Z`));

async function expectVerified(): Promise<void> {
  const { invoices } = it.ports;
  const own = async (request: Parameters<typeof invoices.allInvoices>[0]) => {
    const page = await invoices.allInvoices(request);
    return { ...page, items: page.items.filter(({ tenant }) => tenant === it.tenant) };
  };
  const accounting = await invoiceAccounting({ ...it.ports, invoices: { ...invoices, allInvoices: own } });
  expect(accounting.differing).toEqual([]);
  expect(accounting.invoices).toBe((await it.invoices()).length);
}

describe('changes of plan', () => {
  test('from pay as you go to a package on 17 February and back: each day and each call is billed once, by the plan of its time', async () => {
    const subscription = await it.subscribe('acme', 'payg', '2026-02-01T00:00:00Z');
    await it.use('calls', 'a', '2026-02-16T23:59:00Z', '300'); // 3.00
    moveTo('2026-02-17');
    await it.use('calls', 'a', '2026-02-17T08:00:00Z', '1200'); // of the day of the change: the package's
    await changeNow(it, subscription, { kind: 'plan', plan: 'package' });
    const spend = await spendOf(it.ports, 'acme', it.clock.nowMs(), it.tenant);
    // 28.00 * 12 / 28 = 12.00, and 200 calls beyond 1,000 at 0.005
    expect([spend.total, spend.subscriptions.map(({ plan }) => plan)]).toEqual(['13.00', ['package']]);
    moveTo('2026-03-10');
    await it.use('calls', 'a', '2026-03-09T08:00:00Z', '100'); // within the package
    await changeNow(it, subscription, { kind: 'plan', plan: 'payg', at: '2026-03-15T05:00:00Z' });
    await it.use('calls', 'a', '2026-03-20T08:00:00Z', '50'); // 0.50
    // Package in March: 14 of 31 days, 28.00 * 14 / 31 = 12.645...
    expect(await billAt('2026-04-01')).toEqual([
      '02-01..02-17 payg 3.00',
      '02-17..03-01 package 13.00',
      '03-01..03-15 package 12.65',
      '03-15..04-01 payg 0.50',
    ]);
    await expectVerified();
  });

  test('usage of before a change that comes late is settled at the old prices, also when the old plan changed its prices since', async () => {
    const subscription = await it.subscribe('acme', 'payg', '2026-02-01T00:00:00Z');
    moveTo('2026-02-17');
    await changeNow(it, subscription, { kind: 'plan', plan: 'package' });
    await billAt('2026-03-01');
    const price = { model: 'per_unit', unitAmount: '0.02' } as const;
    await it.priceChanges.add(
      { plan: 'payg', version: 1 },
      { rateCard: 'calls', validFrom: '2026-02-10T00:00:00Z', price, correction: true },
      it.tenant,
    );
    await it.use('calls', 'a', '2026-02-05T00:00:00Z', '100'); // 1.00
    await it.use('calls', 'a', '2026-02-12T00:00:00Z', '100'); // 2.00, at the price as corrected
    expect((await billAt('2026-04-01')).at(-1)).toBe('03-01..04-01 package 31.00'); // 28.00 + 3.00
    expect((await documents()).at(-1)?.adjustments).toMatchObject([{ plan: 'payg', priceRevision: 1, amount: '3.00' }]);
    await expectVerified();
  });

  test('a temporary upgrade reverts by itself, and what was due once in the plan before is not due again', async () => {
    const subscription = await it.subscribe('acme', 'team', '2026-03-01T00:00:00Z');
    moveTo('2026-03-10');
    await changeNow(it, subscription, { kind: 'plan', plan: 'package', until: '2026-03-20T00:00:00Z' });
    // 31.00 * 9 / 31 + 7.00; 28.00 * 10 / 31 = 9.03; 31.00 * 12 / 31
    expect(await billAt('2026-04-01')).toEqual([
      '03-01..03-10 team 16.00',
      '03-10..03-20 package 9.03',
      '03-20..04-01 team 12.00',
    ]);
    await expectVerified();
  });

  test('anniversaries stay those of the first day, through a change of plan and a new beginning', async () => {
    const billingPeriod = { every: 'month', anchor: 'anniversary' } as const;
    for (const [key, amount] of [
      ['small', '31.00'],
      ['large', '62.00'],
    ] as const) {
      const rateCards = [{ key: 'base', name: 'Base', price: { model: 'flat', amount } } as const];
      const draft = { key, name: key, currency: 'USD', billingPeriod, rateCards };
      await catalogStores(database).plans.insert(draft, it.clock.nowMs(), it.tenant);
    }
    const subscription = await it.subscribe('acme', 'small', '2026-01-31T00:00:00Z');
    moveTo('2026-03-10');
    await changeNow(it, subscription, { kind: 'plan', plan: 'large' });
    moveTo('2026-03-20');
    await changeNow(it, subscription, { kind: 'cancel' });
    moveTo('2026-04-20');
    await changeNow(it, subscription, { kind: 'resubscribe' });
    // 28 February to 31 March are 31 days: 10 small (31.00 * 10 / 31), 11 large (62.00 * 11 / 31). 31 March to 30 April: 62.00 * 10 / 30.
    expect(await billAt('2026-05-30')).toEqual([
      '01-31..02-28 small 31.00',
      '02-28..03-10 small 10.00',
      '03-10..03-21 large 22.00',
      '04-20..04-30 large 20.67',
    ]);
    await expectVerified();
  });
});

describe('changes within a plan', () => {
  test('a trial that lapsed weeks ago is left behind by a new beginning, which bills from its own day on', async () => {
    const trial = {
      key: 'trial',
      name: 'Trial',
      lasts: { days: 10 },
      percentOff: '100',
      trial: { converts: 'on_request' },
    } as const;
    const rateCards = [{ key: 'fee', name: 'Fee', price: { model: 'flat', amount: '31.00' } } as const];
    const billingPeriod = { every: 'month', anchor: 'calendar' } as const;
    const { plans, subscriptions, customers } = catalogStores(database);
    await plans.insert(
      { key: 'tried', name: 'Tried', currency: 'USD', billingPeriod, rateCards, phases: [trial] },
      it.clock.nowMs(),
      it.tenant,
    );
    const catalog = subscriptionCatalog({ plans, subscriptions, customers, clock: it.clock });
    const { id } = await catalog.create({ customer: 'acme', plan: 'tried' }, it.tenant);
    expect(await billAt('2026-03-15')).toEqual(['01-01..01-11 tried 0.00']);
    // With the period to come, not with the end of the trial: nothing is billed for the weeks between.
    const { change } = await changeNow(it, id, { kind: 'resubscribe', at: 'period_end' });
    expect(new Date(change.fromMs).toISOString()).toBe('2026-04-01T00:00:00.000Z');
  });

  test('seats are charged by their days in one invoice, and tiers go on', async () => {
    const subscription = await it.subscribe('acme', 'team', '2026-03-01T00:00:00Z');
    await it.use('calls', 'a', '2026-03-05T00:00:00Z', '80');
    moveTo('2026-03-11');
    await changeNow(it, subscription, { kind: 'quantity', quantities: { seats: '3' } });
    await it.use('calls', 'a', '2026-03-15T00:00:00Z', '80');
    // 31.00 * 10 / 31 + 3 * 31.00 * 21 / 31 + 7.00 + 100 * 0.01
    expect(await billAt('2026-04-01')).toEqual(['03-01..04-01 team 81.00']);
    const [invoice] = await documents();
    expect(invoice?.lines.find(({ key }) => key === 'seats')).toMatchObject({
      quantity: '3',
      amount: '73.00',
      parts: [
        { days: 10, quantity: '1' },
        { days: 21, quantity: '3' },
      ],
    });
    expect(invoice?.quantities).toEqual([{ from: '2026-03-11T00:00:00Z', of: { seats: '3' } }]);
    await expectVerified();
  });

  test('days on which it rests are not billed, and what is due once stays so', async () => {
    const subscription = await it.subscribe('acme', 'team', '2026-03-01T00:00:00Z');
    moveTo('2026-03-11');
    await changeNow(it, subscription, { kind: 'pause' });
    expect((await spendOf(it.ports, 'acme', it.clock.nowMs(), it.tenant)).subscriptions).toEqual([]);
    moveTo('2026-03-22');
    await changeNow(it, subscription, { kind: 'resume' });
    expect(await billAt('2026-04-01')).toEqual(['03-01..03-11 team 17.00', '03-22..04-01 team 10.00']);
    await expectVerified();
  });

  test('a scheduled downgrade that is withdrawn leaves everything as it was', async () => {
    const subscription = await it.subscribe('acme', 'team', '2026-03-01T00:00:00Z');
    moveTo('2026-03-11');
    const { change } = await changeNow(it, subscription, { kind: 'plan', plan: 'payg', at: 'period_end' });
    expect(new Date(change.fromMs).toISOString()).toBe('2026-04-01T00:00:00.000Z');
    const { subscription: after } = await withdrawNow(it, subscription, change.id);
    expect(after.stages).toMatchObject([{ plan: 'team', untilMs: null }]);
    expect(await billAt('2026-05-01')).toEqual(['03-01..04-01 team 38.00', '04-01..05-01 team 31.00']);
    await expect(withdrawNow(it, subscription, change.id)).rejects.toMatchObject({ code: 'subscription.change_withdrawn' });
  });

  test('days that are invoiced are refused, and an invoice drafted before a change is drafted anew', async () => {
    const subscription = await it.subscribe('acme', 'team', '2026-03-01T00:00:00Z');
    await billAt('2026-04-01');
    await expect(changeNow(it, subscription, { kind: 'plan', plan: 'payg', at: '2026-03-31T00:00:00Z' })).rejects.toMatchObject({
      code: 'subscription.invoiced',
      errors: [{ path: 'at', message: expect.stringContaining('2026-04-01T00:00:00Z') as unknown }],
    });
    await changeNow(it, subscription, { kind: 'plan', plan: 'payg', at: '2026-04-01T00:00:00Z' });
  });

  test('a fee for a change is a line of its own on the invoice of its day, and an upgrade at full price pays the whole fee', async () => {
    await it.changeRules('payg', { changeFee: '5.00', upgrade: 'full_price' });
    const subscription = await it.subscribe('acme', 'payg', '2026-03-01T00:00:00Z');
    moveTo('2026-03-17');
    const { change } = await changeNow(it, subscription, { kind: 'plan', plan: 'package' });
    expect(await billAt('2026-05-01')).toEqual([
      '03-01..03-17 payg 0.00',
      '03-17..04-01 package 33.00',
      '04-01..05-01 package 28.00',
    ]);
    const lines = (await documents())[1]?.lines.map(({ key, name, amount }) => [key, name, amount]);
    expect(lines).toEqual([
      ['package', 'Package', '28.00'],
      [change.id, 'Change fee', '5.00'],
    ]);
    await expectVerified();
  });
});
