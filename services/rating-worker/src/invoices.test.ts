import { catalogStores } from '@meterline/backends/postgres';
import { type InvoiceDocument, linesUnder } from '@meterline/domain/invoices';
import type { RateCard } from '@meterline/domain/prices';
import {
  executeInvoiceRun,
  invoiceAccounting,
  NotSealedError,
  processInvoiceRuns,
  requestInvoiceRun,
  setSchedule,
  startDueRuns,
  verifyInvoice,
} from '@meterline/pipeline/invoices';
import type { Database } from '@meterline/pipeline/ports';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openTestDatabase } from '../../../test/support/database.ts';
import { openRatingFixture, type RatingFixture } from '../../../test/support/rating.ts';

const RATE_CARDS: RateCard[] = [
  { key: 'base', name: 'Base fee', price: { model: 'flat', amount: '31.00' } },
  {
    key: 'calls',
    name: 'Calls',
    meter: 'calls',
    price: {
      model: 'graduated',
      tiers: [
        { upTo: '1000', unitAmount: '0.01', flatAmount: '0' },
        { upTo: null, unitAmount: '0.005', flatAmount: '0' },
      ],
    },
  },
];

let database: Database;
let it: RatingFixture;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  it = await openRatingFixture(database, '2026-03-15T12:00:00Z');
  await it.meter('calls');
  await it.plan('pro', RATE_CARDS);
  await it.customer('acme', ['a1', 'a2']);
});
afterEach(() => it.close());

/** A run to its end; answers the documents of all invoices so far. */
async function run(at?: string): Promise<InvoiceDocument[]> {
  const requested = await requestInvoiceRun(it.ports, at === undefined ? undefined : Date.parse(at), it.tenant);
  await it.jobs.idle();
  await executeInvoiceRun(it.ports, requested);
  expect((await it.ports.invoices.run(requested.id, it.tenant))?.state).toBe('complete');
  return documents();
}

async function documents(): Promise<InvoiceDocument[]> {
  return (await it.invoices()).map((invoice) => JSON.parse(invoice.document) as InvoiceDocument);
}

test('an ended period is invoiced with its lines, tiers, cut and total, and a webhook tells of it', async () => {
  const subscription = await it.subscribe('acme', 'pro', '2026-02-01T00:00:00Z');
  await it.use('calls', 'a1', '2026-02-03T00:00:00Z', '900');
  await it.use('calls', 'a2', '2026-02-28T23:59:59Z', '300.5');
  await it.use('calls', 'a2', '2026-03-01T00:00:00Z', '77'); // March
  const [invoice, ...others] = await run();
  expect(others).toEqual([]);
  // 31.00 + 1,000 * 0.01 + 200.5 * 0.005 = 31.00 + 10.00 + 1.0025 -> 42.00
  expect(invoice).toMatchObject({
    number: 'INV-000001',
    tenant: it.tenant,
    customer: { key: 'acme', name: 'acme Inc.', subjects: ['a1', 'a2'] },
    subscription,
    plan: 'pro',
    planVersion: 1,
    period: { from: '2026-02-01T00:00:00Z', to: '2026-03-01T00:00:00Z', days: 28, daysInPeriod: 28 },
    currency: 'USD',
    lines: [
      { key: 'base', meter: null, quantity: '1', events: 0, model: 'flat', amount: '31.00' },
      {
        key: 'calls',
        meter: 'calls',
        quantity: '1200.5',
        events: 2,
        model: 'graduated',
        price: RATE_CARDS[1]?.price,
        amount: '11.00',
      },
    ],
    adjustments: [],
    total: '42.00',
    cut: [3],
  });
  expect(invoice?.lines[1]?.explanation.map((step) => step.amount)).toEqual(['10', '1.0025', '-0.0025']);
  expect(await it.messages('invoice.finalized')).toMatchObject([
    { invoice: invoice?.id, number: 'INV-000001', customer: 'acme', currency: 'USD', total: '42.00' },
  ]);
});

test('a flat fee in a part of a period pays its days; a period in a zone ends at that zone’s midnight', async () => {
  await it.customer('tokyo', ['t'], 'Asia/Tokyo');
  await it.subscribe('tokyo', 'pro', '2026-02-14T15:00:00Z'); // 15 February in Tokyo: 14 of 28 days
  expect(await run('2026-02-28T14:59:59Z')).toEqual([]);
  const [invoice] = await run('2026-02-28T15:00:00Z');
  expect(invoice?.period).toEqual({
    from: '2026-02-14T15:00:00Z',
    to: '2026-02-28T15:00:00Z',
    days: 14,
    daysInPeriod: 28,
    index: 0,
  });
  expect(invoice?.total).toBe('15.50'); // 31.00 * 14 / 28
});

test('a period without any charge gets an invoice of 0.00, so that every period has one', async () => {
  await it.plan('usage', RATE_CARDS.slice(1));
  await it.subscribe('acme', 'usage', '2026-02-01T00:00:00Z');
  expect((await run()).map((invoice) => invoice.total)).toEqual(['0.00']);
});

test('a subscription several periods behind gets one invoice for each, in order', async () => {
  await it.subscribe('acme', 'pro', '2025-12-31T00:00:00Z');
  const invoices = await run();
  expect(invoices.map((invoice) => [invoice.number, invoice.period.from.slice(0, 10), invoice.total])).toEqual([
    ['INV-000001', '2025-12-31', '1.00'], // 31.00 * 1 / 31
    ['INV-000002', '2026-01-01', '31.00'],
    ['INV-000003', '2026-02-01', '31.00'],
  ]);
});

describe('late usage', () => {
  test('is settled by the invoices of the next periods, each time only what is new', async () => {
    await it.subscribe('acme', 'pro', '2026-01-01T00:00:00Z');
    await it.use('calls', 'a1', '2026-01-10T00:00:00Z', '900');
    const [january] = await run('2026-02-01T00:00:00Z');
    expect(january?.total).toBe('40.00'); // 31.00 + 9.00

    await it.use('calls', 'a1', '2026-01-20T00:00:00Z', '300'); // 1,200 in January: 11.00, 2.00 more
    const [, february] = await run('2026-03-01T00:00:00Z');
    expect(february?.total).toBe('33.00');
    expect(february?.adjustments).toMatchObject([
      { invoice: 'INV-000001', key: 'calls', quantity: '1200', ratedAmount: '11.00', billedAmount: '9.00', amount: '2.00' },
    ]);

    await it.use('calls', 'a1', '2026-01-31T00:00:00Z', '-700'); // 500 in January: 5.00, of 11.00 billed
    it.clock.moveTo(Date.parse('2026-04-01T00:00:00Z'));
    const [, , march] = await run();
    expect(march?.adjustments).toMatchObject([
      { invoice: 'INV-000001', billedAmount: '11.00', ratedAmount: '5.00', amount: '-6.00' },
    ]);
    expect(march?.total).toBe('25.00');

    it.clock.moveTo(Date.parse('2026-05-01T00:00:00Z'));
    expect((await run())[3]?.adjustments).toEqual([]);
    // all that January was charged is what its usage costs: 9.00 + 2.00 - 6.00 = 5.00
    expect(await invoiceAccountingOfTenant()).toEqual([]);
  });
});

describe('verification', () => {
  test('an issued invoice comes out the same at its cut, whatever happened since', async () => {
    await it.subscribe('acme', 'pro', '2026-02-01T00:00:00Z');
    await it.use('calls', 'a1', '2026-02-03T00:00:00Z', '900');
    await run();
    await it.use('calls', 'a1', '2026-02-03T00:00:00Z', '5000');
    await database.query('delete from customer_subject where tenant = $1', [it.tenant]);
    const [invoice] = await it.invoices();
    expect(await verifyInvoice(it.ports, invoice?.document ?? '')).toMatchObject({ number: 'INV-000001', differences: [] });
  });

  test('an invoice issued under policy 1, whose explanations were sentences alone, still comes out the same', async () => {
    await it.subscribe('acme', 'pro', '2026-02-01T00:00:00Z');
    await it.use('calls', 'a1', '2026-02-03T00:00:00Z', '1000.3');
    const [invoice] = await run();
    expect(invoice?.lines[1]?.explanation.map(({ kind }) => kind)).toEqual(['tier', 'tier', 'rounding']);
    const document = {
      ...invoice,
      policy: { ...invoice?.policy, version: 1 },
      lines: linesUnder({ version: 1 }, invoice?.lines ?? []),
    };
    expect(document.lines[1]?.explanation).toEqual([
      {
        kind: 'tier',
        description: '1000 units at 0.01 (tier 1, 0 to 1000)',
        quantity: '1000',
        unitAmount: '0.01',
        amount: '10',
        tier: { index: 0, from: '0', upTo: '1000' },
      },
      {
        kind: 'tier',
        description: '0.3 units at 0.005 (tier 2, above 1000)',
        quantity: '0.3',
        unitAmount: '0.005',
        amount: '0.0015',
        tier: { index: 1, from: '1000', upTo: null },
      },
    ]);
    expect((await verifyInvoice(it.ports, JSON.stringify(document))).differences).toEqual([]);
  });

  test('a line or a total that does not follow from the usage is named', async () => {
    await it.subscribe('acme', 'pro', '2026-02-01T00:00:00Z');
    await it.use('calls', 'a1', '2026-02-03T00:00:00Z', '900');
    const [invoice] = await run();
    const forged = JSON.stringify(invoice).replaceAll('"900"', '"901"').replace('"total":"40.00"', '"total":"41.00"');
    const { differences } = await verifyInvoice(it.ports, forged);
    expect(differences).toEqual([
      'lines: issued base 1 = 31.00, calls 901 = 9.00, rated again base 1 = 31.00, calls 900 = 9.00',
      'total: issued 41.00, rated again 40.00',
    ]);
  });
});

test('32 concurrent runs make exactly one invoice for each subscription and period, numbered without gaps', async () => {
  for (let i = 0; i < 10; i += 1) {
    await it.customer(`c${i}`, [`s${i}`]);
    await it.subscribe(`c${i}`, 'pro', '2026-01-01T00:00:00Z');
    await it.use('calls', `s${i}`, '2026-01-05T00:00:00Z', String(i * 100));
  }
  const runs = await Promise.all(Array.from({ length: 32 }, () => requestInvoiceRun(it.ports, undefined, it.tenant)));
  await it.jobs.idle();
  await Promise.all(runs.map((each) => executeInvoiceRun(it.ports, each)));
  const invoices = await it.invoices();
  expect(invoices.map((invoice) => invoice.number)).toEqual(
    Array.from({ length: 20 }, (_, i) => `INV-${String(i + 1).padStart(6, '0')}`),
  );
  expect(new Set(invoices.map((invoice) => `${invoice.subscription} ${invoice.period_from}`)).size).toBe(20);
  expect(await it.messages('invoice.finalized')).toHaveLength(20);
  const counted = await database.query<{ sum: string }>('select sum(invoices) from invoice_run where tenant = $1', [it.tenant]);
  expect(counted).toEqual([{ sum: '20' }]);
});

test('a subscription that ended since its draft is drafted anew', async () => {
  const subscription = await it.subscribe('acme', 'pro', '2026-02-01T00:00:00Z');
  const issue = it.ports.invoices.issue;
  let raced = false;
  const racing: typeof issue = async (draft, tenant) => {
    const endsAtMs = Date.parse('2026-02-14T10:00:00Z');
    const at = { endsAtMs, billedUntilMs: Date.parse('2026-02-15T00:00:00Z'), nowMs: it.clock.nowMs() };
    if (!raced) await catalogStores(database).subscriptions.end(subscription, at, tenant);
    raced = true;
    return issue(draft, tenant);
  };
  const requested = await requestInvoiceRun(it.ports, undefined, it.tenant);
  await executeInvoiceRun({ ...it.ports, invoices: { ...it.ports.invoices, issue: racing } }, requested);
  expect((await documents()).map((invoice) => [invoice.period.to, invoice.total])).toEqual([['2026-02-15T00:00:00Z', '15.50']]);
});

test('an invoice never changes', async () => {
  await it.subscribe('acme', 'pro', '2026-02-01T00:00:00Z');
  await run();
  await expect(database.query('update invoice set total = 0 where tenant = $1', [it.tenant])).rejects.toMatchObject({
    code: 'ML001',
  });
});

describe('a run', () => {
  test('waits until the log it began with is sealed, and stays running meanwhile', async () => {
    await it.subscribe('acme', 'pro', '2026-02-01T00:00:00Z');
    await it.use('calls', 'a1', '2026-02-03T00:00:00Z', '900');
    it.sealed.behind = 1;
    const requested = await requestInvoiceRun(it.ports, undefined, it.tenant);
    await expect(executeInvoiceRun(it.ports, requested, { sealTimeoutMs: 20, sealPollMs: 5 })).rejects.toThrow(NotSealedError);
    expect(await it.invoices()).toEqual([]);
    expect((await it.ports.invoices.run(requested.id, it.tenant))?.state).toBe('running');
    const waiting = executeInvoiceRun(it.ports, requested, { sealPollMs: 5 });
    it.sealed.behind = 0;
    await waiting;
    expect((await documents()).map((invoice) => invoice.total)).toEqual(['40.00']);
  });

  test('that was cut off goes on where it stopped', async () => {
    await it.subscribe('acme', 'pro', '2025-12-31T00:00:00Z');
    const requested = await requestInvoiceRun(it.ports, undefined, it.tenant);
    const { issue } = it.ports.invoices;
    let left = 2;
    const dying: typeof issue = (draft, tenant) => (left-- > 0 ? issue(draft, tenant) : Promise.reject(new Error('killed')));
    const killed = executeInvoiceRun({ ...it.ports, invoices: { ...it.ports.invoices, issue: dying } }, requested);
    await expect(killed).rejects.toThrow('killed');
    expect(await it.invoices()).toHaveLength(2);
    // The next process finds the run unfinished.
    await processInvoiceRuns(it.ports);
    await startDueRuns(it.ports);
    await it.jobs.idle();
    expect((await it.invoices()).map((invoice) => invoice.number)).toEqual(['INV-000001', 'INV-000002', 'INV-000003']);
    expect(await it.ports.invoices.run(requested.id, it.tenant)).toMatchObject({ state: 'complete', invoices: 3 });
  });

  test('cannot bill what has not ended', async () => {
    await expect(requestInvoiceRun(it.ports, Date.parse('2027-01-01'), it.tenant)).rejects.toMatchObject({
      code: 'invoice_run.at_in_future',
    });
  });
});

describe('a schedule', () => {
  test('makes one run for each due time the clock moved past, whoever looks', async () => {
    await it.subscribe('acme', 'pro', '2026-02-01T00:00:00Z');
    await setSchedule(
      { schedules: it.ports.invoices, clock: it.clock },
      { cron: '0 1 1 * *', timezone: 'Europe/Berlin' },
      it.tenant,
    );
    await processInvoiceRuns(it.ports);
    it.clock.moveTo(Date.parse('2026-06-15T00:00:00Z'));
    await Promise.all([startDueRuns(it.ports), startDueRuns(it.ports)]);
    await it.jobs.idle();
    const { items } = await it.ports.invoices.runs({ after: null, limit: 10 }, it.tenant);
    expect(items.map((each) => [new Date(each.atMs).toISOString(), each.scheduled, each.state]).toSorted()).toEqual([
      ['2026-03-31T23:00:00.000Z', true, 'complete'],
      ['2026-04-30T23:00:00.000Z', true, 'complete'],
      ['2026-05-31T23:00:00.000Z', true, 'complete'],
    ]);
    expect((await documents()).map((invoice) => invoice.period.to.slice(0, 7))).toEqual(['2026-03', '2026-04', '2026-05']);
    expect((await it.ports.invoices.schedule(it.tenant))?.nextRunAtMs).toBe(Date.parse('2026-06-30T23:00:00Z'));
  });

  test('is daily at 00:05 UTC for a tenant that set none', async () => {
    await startDueRuns(it.ports);
    expect(await it.ports.invoices.schedule(it.tenant)).toMatchObject({
      cron: '5 0 * * *',
      timezone: 'UTC',
      nextRunAtMs: Date.parse('2026-03-16T00:05:00Z'),
    });
  });

  test.each([
    [{ cron: '5 0 * *', timezone: 'UTC' }, 'cron'],
    [{ cron: '61 0 * * *', timezone: 'UTC' }, 'cron'],
    [{ cron: 'at noon each single day', timezone: 'UTC' }, 'cron'],
    [{ cron: '0 0 31 2 *', timezone: 'UTC' }, 'cron'],
    [{ cron: '5 0 * * *', timezone: 'Mars/Olympus' }, 'timezone'],
  ])('%o is refused, naming %s', async (schedule, path) => {
    await expect(setSchedule({ schedules: it.ports.invoices, clock: it.clock }, schedule, it.tenant)).rejects.toMatchObject({
      code: 'invoice_schedule.invalid',
      errors: [{ path }],
    });
  });
});

/** Differences of this tenant's invoices (usage of other tenants is not in this fixture's list). */
async function invoiceAccountingOfTenant() {
  const own = await it.ports.invoices.invoices({ after: null, limit: 100 }, it.tenant);
  const allInvoices = async () => ({ items: own.items.map((invoice) => ({ ...invoice, tenant: it.tenant })), nextAfter: null });
  const { invoices, reRated, differing } = await invoiceAccounting({
    ...it.ports,
    invoices: { ...it.ports.invoices, allInvoices },
  });
  expect([invoices, reRated]).toEqual([own.items.length, own.items.length - differing.length]);
  return differing;
}
