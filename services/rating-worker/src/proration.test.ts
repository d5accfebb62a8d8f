import type { InvoiceDocument } from '@meterline/domain/invoices';
import { executeInvoiceRun, invoiceAccounting, requestInvoiceRun } from '@meterline/pipeline/invoices';
import type { Database } from '@meterline/pipeline/ports';
import { spendOf } from '@meterline/pipeline/spend';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openTestDatabase } from '../../../test/support/database.ts';
import { openRatingFixture, type RatingFixture } from '../../../test/support/rating.ts';

const FEE = { key: 'base', name: 'Base', price: { model: 'flat', amount: '30.00' } } as const;
const CALLS = { key: 'calls', name: 'Calls', meter: 'calls', price: { model: 'per_unit', unitAmount: '0.10' } } as const;

let database: Database;
let it: RatingFixture;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  it = await openRatingFixture(database, '2026-04-20T17:30:00Z');
  await it.meter('calls');
  await it.customer('acme', ['a']);
});
afterEach(() => it.close());

async function billAt(day: string): Promise<InvoiceDocument[]> {
  it.clock.moveTo(Date.parse(`${day}T00:00:00Z`));
  const run = await requestInvoiceRun(it.ports, undefined, it.tenant);
  await it.jobs.idle();
  await executeInvoiceRun(it.ports, run);
  return (await it.invoices()).map((invoice) => JSON.parse(invoice.document) as InvoiceDocument);
}

async function expectVerified(): Promise<void> {
  const own = await it.ports.invoices.invoices({ after: null, limit: 100 }, it.tenant);
  const allInvoices = async () => ({ items: own.items.map((invoice) => ({ ...invoice, tenant: it.tenant })), nextAfter: null });
  const { differing, reRated } = await invoiceAccounting({ ...it.ports, invoices: { ...it.ports.invoices, allInvoices } });
  expect(differing).toEqual([]);
  expect(reRated).toBe(own.items.length);
}

const amounts = ({ lines }: Pick<InvoiceDocument, 'lines'> = { lines: [] }) =>
  Object.fromEntries(lines.map(({ key, amount }) => [key, amount]));

describe('fees of a period that is subscribed in part', () => {
  test('by the second are paid from the second of the start; usage counts from the start of that day; the invoice says so and verifies', async () => {
    await it.plan('pro', [FEE, CALLS], 'month', 'second');
    await it.subscribe('acme', 'pro', '2026-04-20T17:30:00Z');
    await it.use('calls', 'a', '2026-04-20T09:00:00Z', '10');
    await it.use('calls', 'a', '2026-04-21T09:00:00Z', '10');
    // 20 April 17:30 to 1 May is 10 days 6.5 h = 887,400 s of 2,592,000: 30.00 * 0.342361... = 10.2708...; 20 * 0.10 = 2.00
    const expected = { base: '10.27', calls: '2.00' };
    const spend = await spendOf(it.ports, 'acme', it.clock.nowMs(), it.tenant);
    expect(amounts(spend.subscriptions[0])).toEqual(expected);
    const [invoice] = await billAt('2026-05-02');
    expect(amounts(invoice)).toEqual(expected);
    expect(invoice?.total).toBe('12.27');
    expect(invoice?.policy.proration).toBe('second');
    expect(invoice?.period).toEqual({
      from: '2026-04-20T00:00:00Z',
      to: '2026-05-01T00:00:00Z',
      days: 11,
      daysInPeriod: 30,
      index: 0,
      sharing: { by: 'second', from: '2026-04-20T17:30:00Z', to: '2026-05-01T00:00:00Z', secondsInPeriod: 2_592_000 },
    });
    expect(invoice?.lines[0]?.explanation[0]?.description).toBe('Flat fee of 30.00 for 887400 of 2592000 seconds');
    await expectVerified();
  });

  test('without proration are whole, in a first part as in a last', async () => {
    await it.plan('pro', [FEE], 'month', 'none');
    await it.subscribe('acme', 'pro', '2026-04-20T17:30:00Z');
    const [invoice] = await billAt('2026-05-02');
    expect(amounts(invoice)).toEqual({ base: '30.00' });
    expect(invoice?.policy.proration).toBe('none');
    expect(invoice?.period.sharing).toEqual({ by: 'none' });
    await expectVerified();
  });

  test.each([
    [
      'day',
      '11.00',
      '55.00',
      'Raised to the minimum of 30.00 for 11 of 30 days',
      'Capped at the maximum of 150.00 for 11 of 30 days',
    ],
    ['second', '10.27', '51.35', 'Raised to the minimum of 30.00 for 887400 of 2592000 seconds', 'Capped at the maximum of 150.00 for 887400 of 2592000 seconds'], // prettier-ignore
    ['none', '30.00', '150.00', 'Raised to the minimum of 30.00', 'Capped at the maximum of 150.00'],
  ] as const)('by %s are shared like the minimum and the maximum of a card', async (proration, least, most, raised, capped) => {
    const limits = { minimumSpend: '30.00', maximumSpend: '150.00' };
    await it.plan('pro', [FEE, { ...CALLS, modifiers: limits }], 'month', proration === 'day' ? undefined : proration);
    await it.customer('busy', ['b']);
    for (const customer of ['acme', 'busy']) await it.subscribe(customer, 'pro', '2026-04-20T17:30:00Z');
    await it.use('calls', 'a', '2026-04-21T09:00:00Z', '10'); // 1.00
    await it.use('calls', 'b', '2026-04-21T09:00:00Z', '2000'); // 200.00
    const { subscriptions } = await spendOf(it.ports, 'acme', it.clock.nowMs(), it.tenant);
    expect(amounts(subscriptions[0])).toEqual({ base: least, calls: least });
    const invoices = await billAt('2026-05-02');
    expect(invoices.map(amounts).toSorted((a, b) => Number(a['calls']) - Number(b['calls']))).toEqual([
      { base: least, calls: least },
      { base: least, calls: most },
    ]);
    const told = invoices.flatMap(({ lines }) => lines[1]?.explanation.map(({ description }) => description) ?? []);
    expect(told).toEqual(expect.arrayContaining([raised, capped]));
    await expectVerified();
  });

  test('under the policy before kept minimum and maximum whole, and are proven and adjusted so', async () => {
    await it.plan('pro', [{ ...CALLS, modifiers: { minimumSpend: '30.00' } }]);
    await it.subscribe('acme', 'pro', '2026-04-20T17:30:00Z');
    await it.use('calls', 'a', '2026-04-21T09:00:00Z', '10');
    const [invoice] = await billAt('2026-05-02');
    expect(invoice?.total).toBe('11.00');
    // As policy 2 wrote it: 1.00, and 29.00 up to the whole minimum.
    const before = JSON.stringify({ ...invoice, policy: { ...invoice?.policy, version: 2 } })
      .replaceAll('"11.00"', '"30.00"')
      .replace(' for 11 of 30 days', '')
      .replace(',"days":"11","daysInPeriod":"30"}', '}')
      .replace('"amount":"10"', '"amount":"29"');
    await database.query('alter table invoice disable trigger all');
    await database.query('update invoice set document = $1 where tenant = $2', [before, it.tenant]);
    await database.query('alter table invoice enable trigger all');
    await expectVerified();
    await it.use('calls', 'a', '2026-04-22T09:00:00Z', '310');
    // 32.00 - 30.00; May is whole
    const [, may] = await billAt('2026-06-01');
    expect(may).toMatchObject({ adjustments: [{ policyVersion: 2, amount: '2.00' }], total: '32.00' });
    await expectVerified();
  });

  test('by the day, as of every plan that says nothing, are told as before', async () => {
    await it.plan('pro', [FEE]);
    await it.subscribe('acme', 'pro', '2026-04-20T17:30:00Z');
    const [invoice] = await billAt('2026-05-02');
    // 11 of 30 days
    expect(amounts(invoice)).toEqual({ base: '11.00' });
    expect(invoice?.policy.proration).toBe('day');
    expect(invoice?.period).not.toHaveProperty('sharing');
    await expectVerified();
  });

  test.each([
    // 1 to 16 April at 12:00 was 1,339,200 s, of which 20.00 * 15.5 / 30 = 10.333; the rest 40.00 * 14.5 / 30 = 19.333
    ['second', '2026-04-16T12:00:00Z', '29.67'],
    // The day on which the price changes has the new one: 20.00 * 15 / 30 + 40.00 * 15 / 30
    ['none', '2026-04-16T12:00:00Z', '30.00'],
  ] as const)(
    'with a price that changes within the period and proration %s, each price is paid for its time',
    async (proration, validFrom, fee) => {
      await it.plan('pro', [{ ...FEE, price: { model: 'flat', amount: '20.00' } }], 'month', proration);
      await it.subscribe('acme', 'pro', '2026-04-01T00:00:00Z');
      const change = { rateCard: 'base', validFrom, price: { model: 'flat', amount: '40.00' } } as const;
      // Entered late: only with leave to correct what has begun.
      it.clock.moveTo(Date.parse('2026-04-21T00:00:00Z'));
      await it.priceChanges.add({ plan: 'pro', version: 1 }, { ...change, correction: true }, it.tenant);
      const [invoice] = await billAt('2026-05-02');
      expect(amounts(invoice)).toEqual({ base: fee });
      await expectVerified();
    },
  );

  test('late usage is settled on the next invoice, and fees are not charged again', async () => {
    await it.plan('pro', [FEE, CALLS], 'month', 'second');
    await it.subscribe('acme', 'pro', '2026-04-20T17:30:00Z');
    await billAt('2026-05-02');
    await it.use('calls', 'a', '2026-04-25T00:00:00Z', '5');
    const [, second] = await billAt('2026-06-02');
    expect(second?.adjustments.map(({ key, amount }) => [key, amount])).toEqual([['calls', '0.50']]);
    expect(amounts(second)).toEqual({ base: '30.00', calls: '0.00' });
    await expectVerified();
  });
});
