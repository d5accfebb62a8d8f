import type { Commitment } from '@meterline/domain/commitments';
import type { InvoiceDocument } from '@meterline/domain/invoices';
import type { RateCard } from '@meterline/domain/prices';
import { executeInvoiceRun, invoiceAccounting, requestInvoiceRun, verifyInvoice } from '@meterline/pipeline/invoices';
import type { Database } from '@meterline/pipeline/ports';
import { spendOf } from '@meterline/pipeline/spend';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openTestDatabase } from '../../../test/support/database.ts';
import { openRatingFixture, type RatingFixture } from '../../../test/support/rating.ts';

const RATE_CARDS: RateCard[] = [
  { key: 'base', name: 'Base fee', price: { model: 'flat', amount: '10.00' } },
  { key: 'calls', name: 'Calls', meter: 'calls', price: { model: 'per_unit', unitAmount: '0.01' } },
];

let database: Database;
let it: RatingFixture;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  it = await openRatingFixture(database, '2025-12-31T12:00:00Z');
  await it.meter('calls');
  await it.plan('pro', RATE_CARDS);
  await it.customer('acme', ['a']);
});
afterEach(() => it.close());

const subscribe = (commitment: Commitment, from = '2026-01-01T00:00:00Z') => it.subscribe('acme', 'pro', from, commitment);
const use = (day: string, calls: number) => it.use('calls', 'a', `${day}T12:00:00Z`, String(calls));

/** Moves the clock there and bills what has ended; answers all invoices so far. */
async function billAt(day: string): Promise<InvoiceDocument[]> {
  it.clock.moveTo(Date.parse(`${day}T00:00:00Z`));
  const run = await requestInvoiceRun(it.ports, undefined, it.tenant);
  await it.jobs.idle();
  await executeInvoiceRun(it.ports, run);
  return (await it.invoices()).map((invoice) => JSON.parse(invoice.document) as InvoiceDocument);
}

async function spendAt(day: string) {
  const spend = await spendOf(it.ports, 'acme', Date.parse(`${day}T13:00:00Z`), it.tenant);
  return { total: spend.total, commitment: spend.subscriptions[0]?.commitment };
}

/** What each settlement of an invoice adds, as `kind amount`. */
const settled = ({ commitments = [] }: Pick<InvoiceDocument, 'commitments'> = {}): string[][] =>
  commitments.map(({ lines }) => lines.map(({ kind, amount }) => `${kind} ${amount}`));

/** Every invoice of the tenant comes out the same, commitments included. */
async function expectVerified(): Promise<void> {
  const own = await it.ports.invoices.invoices({ after: null, limit: 100 }, it.tenant);
  const allInvoices = async () => ({ items: own.items.map((invoice) => ({ ...invoice, tenant: it.tenant })), nextAfter: null });
  const { differing, reRated } = await invoiceAccounting({ ...it.ports, invoices: { ...it.ports.invoices, allInvoices } });
  expect(differing).toEqual([]);
  expect(reRated).toBe(own.items.length);
}

describe('a minimum or maximum of each billing period', () => {
  const minimum: Commitment = { minimumSpend: '100.00', every: 'period' };

  test('raises spend and invoice, and late usage below it changes nothing to pay', async () => {
    await subscribe(minimum);
    await use('2026-01-10', 4000);
    // 10.00 + 40.00 = 50.00
    expect(await spendAt('2026-01-10')).toMatchObject({
      total: '100.00',
      commitment: { spend: '50.00', lines: [{ kind: 'true_up', amount: '50.00' }] },
    });
    const [january] = await billAt('2026-02-01');
    expect(january?.total).toBe('100.00');
    expect(settled(january)).toEqual([['true_up 50.00']]);

    await use('2026-01-20', 3000); // 30.00 more: 80.00, still below
    await use('2026-02-10', 12_000); // 10.00 + 120.00 = 130.00
    const [, february] = await billAt('2026-03-01');
    expect(february?.adjustments).toMatchObject([{ invoice: 'INV-000001', amount: '30.00' }]);
    // February needs none; January's true-up gives back what late usage paid.
    expect(settled(february)).toEqual([[], ['true_up -30.00']]);
    expect(february?.total).toBe('130.00');

    await use('2026-01-30', 5000); // 50.00 more: 130.00, 30.00 above the minimum
    const [, , march] = await billAt('2026-04-01');
    expect(march?.adjustments).toMatchObject([{ invoice: 'INV-000001', amount: '50.00' }]);
    expect(settled(march)).toEqual([['true_up 90.00'], ['true_up -20.00']]);
    // January came to 100.00 - 0.00 + 30.00 in all; March is 100.00 itself.
    expect(march?.total).toBe('130.00');
    await expectVerified();
  });

  test('is due for the days of a part of a period, at the start and at the end', async () => {
    const subscription = await subscribe(minimum, '2026-01-17T08:00:00Z'); // 15 of 31 days
    const end = { endsAtMs: Date.parse('2026-02-14T10:00:00Z'), billedUntilMs: Date.parse('2026-02-15T00:00:00Z') };
    const [january] = await billAt('2026-02-01');
    // 100.00 * 15 / 31 = 48.39; the base fee is 10.00 * 15 / 31 = 4.84
    expect(january).toMatchObject({ total: '48.39', commitments: [{ minimum: '48.39', term: { days: 15, daysInTerm: 31 } }] });
    await database.query('update subscription set ends_at = $1 where id = $2', [new Date(end.endsAtMs), subscription]);
    const [, february] = await billAt('2026-03-01');
    expect(february).toMatchObject({ total: '50.00', commitments: [{ minimum: '50.00', term: { days: 14, daysInTerm: 28 } }] });
    await expectVerified();
  });

  test('caps the lines of the period together, which share the cap', async () => {
    await subscribe({ maximumSpend: '60.00', every: 'period' });
    await use('2026-01-10', 20_000);
    const { total, commitment } = await spendAt('2026-01-10');
    expect(total).toBe('60.00');
    // 210.00 - 60.00, shared by 10.00 : 200.00
    expect(commitment?.lines).toMatchObject([
      {
        kind: 'cap',
        amount: '-150.00',
        shares: [
          { key: 'base', amount: '-7.14' },
          { key: 'calls', amount: '-142.86' },
        ],
      },
    ]);
  });
});

describe('a commitment of a year', () => {
  test('is trued up when the year ends, by all that was spent in it; late usage of its last month changes it afterwards', async () => {
    await subscribe({ minimumSpend: '1000.00', every: 'year', trueUp: 'term_end' });
    for (let month = 1; month <= 12; month += 1) {
      await use(`2026-${String(month).padStart(2, '0')}-10`, 5000); // 50.00, and a fee of 10.00
    }
    const year = await billAt('2027-01-01');
    expect(year.map(({ total }) => total)).toEqual([...Array.from({ length: 11 }, () => '60.00'), '340.00']);
    // 12 * 60.00 = 720.00
    expect(year.at(-1)?.commitments).toMatchObject([
      { spend: '720.00', minimum: '1000.00', lines: [{ kind: 'true_up', amount: '280.00' }] },
    ]);

    await use('2026-12-31', 10_000);
    const january = (await billAt('2027-02-01')).at(-1);
    expect(january?.adjustments).toMatchObject([{ amount: '100.00' }]);
    expect(settled(january)).toEqual([[], ['true_up -100.00']]);
    expect(january?.total).toBe('10.00');
    await expectVerified();
  });

  test('caps what the months add up to; live spend knows of months that wait for their invoice', async () => {
    await subscribe({ maximumSpend: '100.00', every: 'year' });
    await use('2026-01-10', 6000); // 70.00
    await use('2026-02-10', 6000); // 70.00: 40.00 beyond
    await use('2026-03-10', 6000);
    it.clock.moveTo(Date.parse('2026-03-10T13:00:00Z'));
    expect(await spendAt('2026-03-10')).toMatchObject({
      total: '0.00',
      commitment: { spend: '210.00', settledBefore: { cap: '-40.00' } },
    });
    const invoices = await billAt('2026-04-01');
    expect(invoices.map(({ total }) => total)).toEqual(['70.00', '30.00', '0.00']);
    await expectVerified();
  });
});

describe('a minimum paid in advance', () => {
  const prepaid: Commitment = { minimumSpend: '1200.00', every: 'year', trueUp: 'in_advance' };

  test('is invoiced as the year begins and drawn down; what goes beyond it is invoiced as it comes', async () => {
    await subscribe(prepaid);
    const [advance, ...none] = await billAt('2026-01-01');
    expect(none).toEqual([]);
    expect(advance).toMatchObject({
      kind: 'advance',
      number: 'INV-000001',
      period: { from: '2026-01-01T00:00:00Z', to: '2027-01-01T00:00:00Z' },
      lines: [],
      commitments: [{ remaining: '1200.00', lines: [{ kind: 'fee', amount: '1200.00' }] }],
      total: '1200.00',
    });
    expect(await it.messages('invoice.finalized')).toHaveLength(1);
    expect(await billAt('2026-01-02')).toHaveLength(1);

    await use('2026-01-10', 69_000); // 700.00 with the base fee
    expect(await spendAt('2026-01-10')).toMatchObject({ total: '0.00', commitment: { remaining: '500.00' } });
    const [, january] = await billAt('2026-02-01');
    expect(january).toMatchObject({ total: '0.00', commitments: [{ lines: [{ kind: 'drawdown', amount: '-700.00' }] }] });

    await use('2026-02-10', 69_000); // 700.00: 500.00 from the rest, 200.00 to pay
    await use('2026-01-20', 1000); // 10.00 late, to pay as well: nothing is left
    const [, , february] = await billAt('2026-03-01');
    expect(settled(february)).toEqual([['drawdown -500.00']]);
    expect(february).toMatchObject({ total: '210.00', commitments: [{ spend: '1410.00', remaining: '0.00' }] });
    await expectVerified();
  });

  test('is invoiced as the year begins for a customer that has grants too: they do not pay it', async () => {
    await subscribe(prepaid);
    await it.give('acme', { kind: 'money', key: 'gift', name: 'Gift', amount: '50.00' });
    const invoices = await billAt('2026-01-01');
    expect(invoices.map(({ kind, total }) => [kind, total])).toEqual([['advance', '1200.00']]);
    await expectVerified();
  });

  test('is invoiced with the first period where no run came in time, and never twice', async () => {
    await subscribe({ ...prepaid, every: 'period' });
    await use('2026-01-10', 1000);
    const invoices = await billAt('2026-02-01');
    // January was over: its fee comes with its invoice; February has begun: its fee comes in advance.
    expect(invoices.map(({ kind, total, period }) => [kind, period.from.slice(0, 7), total])).toEqual([
      ['advance', '2026-02', '1200.00'],
      [undefined, '2026-01', '1200.00'], // 1200.00 + 20.00 - 20.00
    ]);
    expect((await billAt('2026-02-02')).length).toBe(2);
    await expectVerified();
  });

  test('gives back the days after an early end, less what was used of it', async () => {
    const subscription = await subscribe(prepaid);
    await billAt('2026-01-01');
    await database.query('update subscription set ends_at = $1 where id = $2', [new Date('2026-01-31T10:00:00Z'), subscription]);
    await use('2026-01-10', 1000);
    const [, january] = await billAt('2026-02-01');
    // 1200.00 * 31 / 365 = 101.92; 20.00 was used of it
    expect(settled(january)).toEqual([['fee -1098.08', 'drawdown -20.00']]);
    expect(january).toMatchObject({ total: '-1098.08', commitments: [{ remaining: '81.92' }] });
    await expectVerified();
  });
});

test('a commitment line that does not follow from the invoices is named', async () => {
  await subscribe({ minimumSpend: '100.00', every: 'period' });
  const [invoice] = await billAt('2026-02-01');
  const forged = JSON.stringify(invoice).replace('"amount":"90.00"', '"amount":"95.00"');
  expect((await verifyInvoice(it.ports, forged)).differences).toEqual([
    'commitments: issued true_up 95.00, settled again true_up 90.00',
  ]);
});
