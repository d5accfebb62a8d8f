import { catalogStores } from '@meterline/backends/postgres';
import type { Commitment } from '@meterline/domain/commitments';
import { charged, type InvoiceDocument, totalOf } from '@meterline/domain/invoices';
import type { Modifiers, RateCard } from '@meterline/domain/prices';
import type { BillingCadence } from '@meterline/domain/subscriptions';
import { executeInvoiceRun, requestInvoiceRun } from '@meterline/pipeline/invoices';
import type { Database, InvoiceRun } from '@meterline/pipeline/ports';
import { spendOf } from '@meterline/pipeline/spend';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openTestDatabase } from '../../../test/support/database.ts';
import { expectVerified } from '../../../test/support/rated-again.ts';
import { openRatingFixture, type RatingFixture } from '../../../test/support/rating.ts';
import { changeNow, previewNow } from '../../../test/support/subscription-changes.ts';

const calls = (unitAmount: string, modifiers?: Modifiers): RateCard => {
  return {
    key: 'calls',
    name: 'Calls',
    meter: 'calls',
    price: { model: 'per_unit', unitAmount },
    ...(modifiers && { modifiers }),
  };
};
const BASE: RateCard = { key: 'base', name: 'Base', price: { model: 'flat', amount: '120.00' } };

let database: Database;
let it: RatingFixture;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  it = await openRatingFixture(database, '2026-01-01T00:00:00Z');
  await it.meter('calls');
  await it.meter('peak', 'max');
  await it.customer('acme', ['a']);
});
afterEach(() => it.close());

/** Under a plan of years that bills its usage by the month, unless said otherwise. */
async function subscribe(
  rateCards: readonly RateCard[],
  { commitment = null, ...cadence }: Partial<BillingCadence> & { readonly commitment?: Commitment | null } = {},
): Promise<string> {
  const billingPeriod: BillingCadence = { every: 'year', anchor: 'calendar', usageEvery: 'month', ...cadence };
  await catalogStores(database).plans.insert({ key: 'pro', name: 'Pro', currency: 'USD', billingPeriod, rateCards }, it.clock.nowMs(), it.tenant); // prettier-ignore
  return it.subscribe('acme', 'pro', '2026-01-01T00:00:00Z', commitment);
}

const use = (at: string, value: number, meter = 'calls') => it.use(meter, 'a', at.includes('T') ? at : `${at}T12:00:00Z`, String(value)); // prettier-ignore

async function runAt(instant: string): Promise<InvoiceRun> {
  it.clock.moveTo(Date.parse(instant.includes('T') ? instant : `${instant}T00:05:00Z`));
  const run = await requestInvoiceRun(it.ports, undefined, it.tenant);
  await it.jobs.idle();
  return run;
}

/** Bills what is due then; answers all documents so far, in order. */
async function billAt(instant: string): Promise<InvoiceDocument[]> {
  await executeInvoiceRun(it.ports, await runAt(instant));
  return documents();
}

async function documents(): Promise<InvoiceDocument[]> {
  const rows = await database.query<{ document: string }>('select document from invoice where tenant = $1 order by issued_at, number', [it.tenant]); // prettier-ignore
  return rows.map(({ document }) => JSON.parse(document) as InvoiceDocument);
}

const told = (all: readonly InvoiceDocument[]) =>
  all.map(({ number, kind = 'period', interim, total }) => {
    return `${number} ${kind}${interim ? ` ${interim.part} to ${interim.usageTo.slice(0, 10)}` : ''} ${total}`;
  });

describe('usage that is billed by the month under a yearly plan', () => {
  test('is invoiced as it adds up over the year, and deducted from the invoice of the year line by line', async () => {
    await subscribe([BASE, calls('0.10', { allowance: { units: '1200' } })]);
    await use('2026-01-10', 700);
    await use('2026-02-01T00:03:00Z', 100); // before the run, but of February
    expect(told(await billAt('2026-02-01'))).toEqual(['INV-000001 interim 1 to 2026-02-01 0.00']);
    await use('2026-02-10', 600);
    // 1,400 - 1,200 included = 200 * 0.10
    const [first, second] = await billAt('2026-03-01');
    expect(first?.lines).toMatchObject([{ key: 'calls', quantity: '700', amount: '0.00' }]);
    expect(second).toMatchObject({
      period: { from: '2026-01-01T00:00:00Z', to: '2027-01-01T00:00:00Z' },
      lines: [{ key: 'calls', quantity: '1400', amount: '20.00' }],
      billedOnInterims: [],
      total: '20.00',
    });
    expect(second?.lines[0]?.carriedOver).toBeUndefined();
    await use('2026-03-15', 50);
    await use('2026-02-20', 10); // late
    expect(told(await billAt('2026-04-01')).at(-1)).toBe('INV-000003 interim 3 to 2026-04-01 6.00');
    const final = (await billAt('2027-01-01')).at(-1);
    expect(final).toMatchObject({
      lines: [
        { key: 'base', amount: '120.00' },
        { key: 'calls', quantity: '1460', amount: '26.00' },
      ],
      billedOnInterims: [
        { invoice: 'INV-000002', key: 'calls', name: 'Calls', amount: '20.00' },
        { invoice: 'INV-000003', key: 'calls', name: 'Calls', amount: '6.00' },
      ],
      total: '120.00',
    });
    await expectVerified(it);
  });

  test('is billed once for all months that were missed, whichever run comes first, and never behind', async () => {
    await subscribe([calls('1')]);
    await use('2026-01-10', 1);
    await use('2026-04-10', 2);
    const [february, may] = [await runAt('2026-02-01'), await runAt('2026-05-01')];
    await executeInvoiceRun(it.ports, may);
    await executeInvoiceRun(it.ports, february);
    expect(told(await documents())).toEqual(['INV-000001 interim 1 to 2026-05-01 3.00']);
    expect(told(await billAt('2026-05-20'))).toHaveLength(1);
  });

  test('is invoiced once by runs at the same time, each month by the one that knows of the others', async () => {
    await subscribe([calls('1')]);
    await use('2026-01-10', 1);
    await use('2026-02-10', 2);
    const runs = [await runAt('2026-02-01'), await runAt('2026-02-02'), await runAt('2026-03-01'), await runAt('2026-03-02')];
    await Promise.all(runs.map((run) => executeInvoiceRun(it.ports, run)));
    const all = await documents();
    expect(all.map(({ interim }) => interim?.part)).toEqual(all.map((_, index) => index + 1));
    expect(all.at(-1)?.interim?.usageTo).toBe('2026-03-01T00:00:00Z');
    expect(
      totalOf(
        all.map(({ total }) => ({ amount: total })),
        'USD',
      ),
    ).toBe('3.00');
    await expectVerified(it);
  });

  test('never gives money back before the end: what fell is held back, and settled with the year', async () => {
    const volume: RateCard['price'] = { model: 'volume', tiers: [{ upTo: '100', unitAmount: '1' }, { upTo: null, unitAmount: '0.5' }] }; // prettier-ignore
    await subscribe([
      { ...calls('1'), price: volume },
      { ...calls('2'), key: 'peak', name: 'Peak', meter: 'peak' },
    ]);
    await use('2026-01-10', 100); // 100.00
    await use('2026-01-10', 3, 'peak'); // 6.00
    await billAt('2026-02-01');
    await use('2026-02-10', 20); // all 120 cost 60.00 now
    await use('2026-02-10', 4, 'peak'); // 8.00
    const [, second] = await billAt('2026-03-01');
    expect(second).toMatchObject({ interim: { heldBack: [{ key: 'calls', name: 'Calls', amount: '40.00' }] }, total: '2.00' });
    await use('2026-03-10', 100); // 110.00: 10.00 more than was billed
    const all = await billAt('2027-01-01');
    expect(told(all)).toEqual([
      'INV-000001 interim 1 to 2026-02-01 106.00',
      'INV-000002 interim 2 to 2026-03-01 2.00',
      'INV-000003 period 10.00', // 118.00 - 108.00
    ]);
    await expectVerified(it);
  });

  test('is given back by the invoice of the year where it was withdrawn for good', async () => {
    await subscribe([calls('1')]);
    await use('2026-01-10', 30);
    await billAt('2026-02-01');
    await use('2026-01-10', -12);
    expect(told(await billAt('2027-01-01')).at(-1)).toBe('INV-000002 period -12.00');
    await expectVerified(it);
  });

  test('leaves minimums to the end of the year, and stays below maximums all through it', async () => {
    const peak: RateCard = { ...calls('1', { minimumSpend: '50' }), key: 'peak', name: 'Peak', meter: 'peak' };
    await subscribe([calls('1', { maximumSpend: '25' }), peak]);
    await use('2026-01-10', 20);
    await use('2026-01-10', 7, 'peak');
    await use('2026-02-10', 30);
    await billAt('2026-02-01');
    const all = await billAt('2026-03-01');
    expect(told(all)).toEqual(['INV-000001 interim 1 to 2026-02-01 27.00', 'INV-000002 interim 2 to 2026-03-01 5.00']);
    expect(told(await billAt('2027-01-01')).at(-1)).toBe('INV-000003 period 43.00'); // 25 + 50 - 32
    await expectVerified(it);
  });

  test('bills what goes beyond a fee that was paid in advance, and leaves fees in arrears to the end', async () => {
    const overage = { allowance: { units: '100', overagePrice: { model: 'per_unit', unitAmount: '0.50' } as const } };
    const pack = (key: string, paymentTerm: 'advance' | 'arrears'): RateCard => {
      return { ...calls('0', overage), key, name: key, price: { model: 'flat', amount: '365.00', paymentTerm } };
    };
    await subscribe([pack('before', 'advance'), pack('after', 'arrears'), BASE]);
    expect(told(await billAt('2026-01-01'))).toEqual(['INV-000001 fee 365.00']);
    await use('2026-01-10', 110); // 5.00 beyond each
    const [, interim] = await billAt('2026-02-01');
    expect(interim).toMatchObject({
      lines: [{ key: 'before', amount: '370.00' }],
      billedInAdvance: [{ invoice: 'INV-000001', key: 'before', amount: '365.00' }],
      total: '5.00',
    });
    expect(told(await billAt('2027-01-01')).at(-1)).toBe('INV-000004 period 490.00'); // 370 + 370 + 120 - 365 - 5
    await expectVerified(it);
  });

  test('ends with the days under a plan: the invoice of those days deducts what was billed of them', async () => {
    const subscription = await subscribe([calls('1')]);
    await use('2026-01-10', 5);
    await billAt('2026-02-01');
    await use('2026-02-03', 2);
    await database.query('update subscription set ends_at = $1 where id = $2', [new Date('2026-02-10T09:00:00Z'), subscription]);
    const all = await billAt('2026-03-01');
    expect(told(all)).toEqual(['INV-000001 interim 1 to 2026-02-01 5.00', 'INV-000002 period 2.00']);
    expect(all[1]?.period.to).toBe('2026-02-11T00:00:00Z');
    await expectVerified(it);
  });

  test('is billed by the quarter of a year that began on its anniversary', async () => {
    await subscribe([calls('1')], { anchor: 'anniversary', usageEvery: 'quarter' });
    await use('2026-01-10', 5);
    expect(told(await billAt('2026-03-31'))).toEqual([]);
    expect(told(await billAt('2026-04-02'))).toEqual(['INV-000001 interim 1 to 2026-04-01 5.00']);
  });
});

describe('what pays for it', () => {
  test('packs cover the usage of interim invoices, and credits pay them, each unit once', async () => {
    await subscribe([calls('1')]);
    await it.give('acme', { kind: 'units', key: 'pack', name: 'Pack', meter: 'calls', amount: '10' });
    await it.give('acme', { kind: 'money', key: 'gift', name: 'Gift', amount: '6.00' });
    await use('2026-01-10', 12); // 10 covered, 2.00 paid by the gift
    await billAt('2026-02-01');
    await use('2026-02-10', 5); // 4.00 by the gift, 1.00 to pay
    const all = await billAt('2026-03-01');
    expect(told(all)).toEqual(['INV-000001 interim 1 to 2026-02-01 0.00', 'INV-000002 interim 2 to 2026-03-01 1.00']);
    expect(all.map(charged)).toEqual(['2.00', '5.00']);
    expect(await it.ledger('acme')).toEqual([
      'pack grant 10 -> 10',
      'gift grant 6 -> 6',
      'pack burn -10 -> 0',
      'gift burn -2 -> 4',
      'gift burn -4 -> 0',
    ]);
    // The pack is there again: 3 units less of it are needed for what is left of January.
    await use('2026-01-10', -5);
    expect(told(await billAt('2027-01-01')).at(-1)).toBe('INV-000003 period -1.00');
    await expectVerified(it);
  });

  test('a minimum that was paid in advance is drawn on by interim invoices', async () => {
    await subscribe([calls('1')], { commitment: { every: 'period', minimumSpend: '100', trueUp: 'in_advance' } });
    expect(told(await billAt('2026-01-01'))).toEqual(['INV-000001 advance 100.00']);
    await use('2026-01-10', 70);
    await billAt('2026-02-01');
    await use('2026-02-10', 40);
    expect(told(await billAt('2026-03-01')).slice(1)).toEqual([
      'INV-000002 interim 1 to 2026-02-01 0.00',
      'INV-000003 interim 2 to 2026-03-01 10.00',
    ]);
    expect(told(await billAt('2027-01-01')).at(-1)).toBe('INV-000005 period 0.00');
    await expectVerified(it);
  });

  test('a committed maximum holds all through the year, a minimum is raised to at its end', async () => {
    await subscribe([calls('1')], { commitment: { every: 'period', minimumSpend: '80', maximumSpend: '90' } });
    await use('2026-01-10', 70);
    await use('2026-02-10', 40);
    await billAt('2026-02-01');
    expect(told(await billAt('2026-03-01'))).toEqual([
      'INV-000001 interim 1 to 2026-02-01 70.00',
      'INV-000002 interim 2 to 2026-03-01 20.00',
    ]);
    await use('2026-01-10', -50); // 60.00: raised to 80.00
    expect(told(await billAt('2027-01-01')).at(-1)).toBe('INV-000003 period -10.00');
    await expectVerified(it);
  });
});

test('a preview shows the interim invoices up to its change, and the first one after it, as they are issued', async () => {
  const subscription = await subscribe([BASE, calls('1')]);
  const billingPeriod = { every: 'year', anchor: 'calendar', usageEvery: 'month' } as const;
  await catalogStores(database).plans.insert({ key: 'max', name: 'Max', currency: 'USD', billingPeriod, rateCards: [calls('0.50')] }, it.clock.nowMs(), it.tenant); // prettier-ignore
  await use('2026-01-10', 5);
  it.clock.moveTo(Date.parse('2026-01-20T00:00:00Z'));
  const preview = await previewNow(it, subscription, { kind: 'plan', plan: 'max', at: '2026-02-10T00:00:00Z' });
  // January and the nine days of February by the old plan; from its change on, months are those of the calendar.
  expect(
    preview.documents.map(({ plan, interim, total }) => [plan, interim?.part, interim?.usageTo.slice(0, 10), total]),
  ).toEqual([
    ['pro', 1, '2026-02-01', '5.00'],
    ['max', 1, '2026-03-01', '0.00'],
  ]);
  await changeNow(it, subscription, { token: preview.token });
  await billAt('2026-02-01');
  // 120.00 * 40 / 365 = 13.15 with the usage, of which 5.00 are billed.
  expect(told(await billAt('2026-03-01'))).toEqual([
    'INV-000001 interim 1 to 2026-02-01 5.00',
    'INV-000002 period 13.15',
    'INV-000003 interim 1 to 2026-03-01 0.00',
  ]);
  expect(preview.next[0]?.total).toBe('18.15');
  await expectVerified(it);
});

test('live spend says what of the period is invoiced, and what is open', async () => {
  await subscribe([BASE, calls('1')]);
  await use('2026-01-10', 5);
  await billAt('2026-02-01');
  await use('2026-02-03', 2);
  const spend = await spendOf(it.ports, 'acme', Date.parse('2026-02-04T00:00:00Z'), it.tenant);
  expect(spend).toMatchObject({
    total: '127.00',
    subscriptions: [
      {
        interims: [{ invoice: 'INV-000001', usageTo: '2026-02-01T00:00:00Z', amount: '5.00' }],
        total: '127.00',
        toInvoice: '122.00',
      },
    ],
  });
});

test('usage that is invoiced keeps its price: a change behind it is a correction, which the next document settles', async () => {
  await subscribe([calls('1')]);
  await use('2026-01-10', 10);
  await billAt('2026-02-01');
  const change = { rateCard: 'calls', validFrom: '2026-01-01T00:00:00Z', price: { model: 'per_unit', unitAmount: '2' } } as const;
  await expect(it.priceChanges.add({ plan: 'pro', version: 1 }, change, it.tenant)).rejects.toMatchObject({
    code: 'price_change.period_invoiced',
  });
  await it.priceChanges.add({ plan: 'pro', version: 1 }, { ...change, correction: true }, it.tenant);
  expect(told(await billAt('2026-03-01')).at(-1)).toBe('INV-000002 interim 2 to 2026-03-01 10.00');
  await expectVerified(it);
});
