import type { InvoiceDocument } from '@meterline/domain/invoices';
import type { RateCard } from '@meterline/domain/prices';
import { executeInvoiceRun, invoiceAccounting, requestInvoiceRun } from '@meterline/pipeline/invoices';
import type { Database } from '@meterline/pipeline/ports';
import { spendOf } from '@meterline/pipeline/spend';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openTestDatabase } from '../../../test/support/database.ts';
import { openRatingFixture, type RatingFixture } from '../../../test/support/rating.ts';

/** The list price of a vendor of calls, per minute, until 22 October 2021 and from then on. */
const LIST = [
  ['audio', '0.008', '0.006'],
  ['hd', '0.016', '0.012'],
  ['full_hd', '0.032', '0.024'],
  ['2k', '0.120', '0.090'],
] as const;
const CHANGE = '2021-10-22T00:00:00Z';
const RTC = { plan: 'rtc', version: 1 };

const perUnit = (unitAmount: string) => ({ model: 'per_unit', unitAmount }) as const;
const minutes = ([key, unitAmount]: readonly [string, string, string]): RateCard => ({
  key,
  name: `${key} minutes`,
  meter: key,
  price: perUnit(unitAmount),
});

let database: Database;
let it: RatingFixture;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  it = await openRatingFixture(database, '2021-09-30T12:00:00Z');
  for (const [key] of LIST) await it.meter(key);
  await it.customer('acme', ['a']);
});
afterEach(() => it.close());

const change = (rateCard: string, validFrom: string, price: RateCard['price'], more: object = {}) =>
  it.priceChanges.add(RTC, { rateCard, validFrom, price, ...more }, it.tenant);

async function billAt(day: string): Promise<InvoiceDocument[]> {
  it.clock.moveTo(Date.parse(`${day}T00:00:00Z`));
  const run = await requestInvoiceRun(it.ports, undefined, it.tenant);
  await it.jobs.idle();
  await executeInvoiceRun(it.ports, run);
  return documents();
}

async function documents(): Promise<InvoiceDocument[]> {
  return (await it.invoices()).map((invoice) => JSON.parse(invoice.document) as InvoiceDocument);
}

const amounts = ({ lines }: Pick<InvoiceDocument, 'lines'> = { lines: [] }) =>
  Object.fromEntries(lines.map(({ key, amount }) => [key, amount]));

async function expectVerified(): Promise<void> {
  const own = await it.ports.invoices.invoices({ after: null, limit: 100 }, it.tenant);
  const allInvoices = async () => ({ items: own.items.map((invoice) => ({ ...invoice, tenant: it.tenant })), nextAfter: null });
  const { differing, reRated } = await invoiceAccounting({ ...it.ports, invoices: { ...it.ports.invoices, allInvoices } });
  expect(differing).toEqual([]);
  expect(reRated).toBe(own.items.length);
}

describe('a list price that changes on 22 October 2021', () => {
  beforeEach(async () => {
    await it.plan('rtc', LIST.map(minutes));
    await it.subscribe('acme', 'rtc', '2021-10-01T00:00:00Z');
    for (const [key, , after] of LIST) await change(key, CHANGE, perUnit(after));
  });

  test('charges each minute at the price of its time, in spend and on the invoice, which says so', async () => {
    for (const [key] of LIST) {
      await it.use(key, 'a', '2021-10-21T23:59:59Z', '1000');
      await it.use(key, 'a', '2021-10-22T00:00:00Z', '500');
    }
    const expected = {
      audio: '11.00', // 1,000 * 0.008 + 500 * 0.006
      hd: '22.00', // 1,000 * 0.016 + 500 * 0.012
      full_hd: '44.00', // 1,000 * 0.032 + 500 * 0.024
      '2k': '165.00', // 1,000 * 0.120 + 500 * 0.090
    };
    const spend = await spendOf(it.ports, 'acme', Date.parse('2021-10-25T00:00:00Z'), it.tenant);
    expect(spend.subscriptions.map(amounts)).toEqual([expected]);
    const [october] = await billAt('2021-11-01');
    expect(amounts(october)).toEqual(expected);
    expect(october?.priceRevision).toBe(4);
    expect(october?.lines[0]).toMatchObject({
      quantity: '1500',
      events: 2,
      price: perUnit('0.006'),
      parts: [
        { from: '2021-10-01T00:00:00Z', to: CHANGE, days: 21, quantity: '1000', events: 1, price: perUnit('0.008') },
        { from: CHANGE, to: '2021-11-01T00:00:00Z', days: 10, quantity: '500', events: 1, price: perUnit('0.006') },
      ],
      explanation: [
        { quantity: '1000', unitAmount: '0.008', amount: '8', context: { version: 1 } },
        { quantity: '500', unitAmount: '0.006', amount: '3', context: { version: 2 } },
      ],
    });
    await expectVerified();
  });

  test('charges late usage of 21 October that comes in November at the price of then', async () => {
    await it.use('hd', 'a', '2021-10-10T12:00:00Z', '1000');
    const [october] = await billAt('2021-11-01');
    expect(october?.total).toBe('16.00');
    await it.use('hd', 'a', '2021-10-21T12:00:00Z', '250');
    await it.use('hd', 'a', '2021-10-23T12:00:00Z', '250');
    await it.use('hd', 'a', '2021-11-10T12:00:00Z', '100');
    const [, november] = await billAt('2021-12-01');
    // 250 * 0.016 + 250 * 0.012 = 7.00
    expect(november?.adjustments).toMatchObject([{ key: 'hd', ratedAmount: '23.00', billedAmount: '16.00', amount: '7.00' }]);
    expect(amounts(november)).toMatchObject({ hd: '1.20' }); // 100 * 0.012
    expect(november?.lines[1]?.parts).toBeUndefined();
    expect(november?.total).toBe('8.20');
    await expectVerified();
  });
});

describe('what is known later', () => {
  beforeEach(async () => {
    await it.plan('rtc', LIST.map(minutes));
    await it.subscribe('acme', 'rtc', '2021-10-01T00:00:00Z');
    await it.use('hd', 'a', '2021-10-10T12:00:00Z', '1000');
  });

  test('does not change an issued invoice: rated again with the prices it knew, it is the same to the byte', async () => {
    await billAt('2021-11-01');
    await change('hd', '2021-10-01T00:00:00Z', perUnit('0.010'), { correction: true });
    await expectVerified();
  });

  test('corrects an invoiced period with the next invoice, once', async () => {
    const [october] = await billAt('2021-11-01');
    expect(october?.total).toBe('16.00');
    await expect(change('hd', '2021-10-05T00:00:00Z', perUnit('0.010'))).rejects.toMatchObject({
      code: 'price_change.period_invoiced',
      errors: [{ path: 'validFrom', message: expect.stringContaining('2021-11-01T00:00:00Z') as string }],
    });
    await change('hd', '2021-10-05T00:00:00Z', perUnit('0.010'), { correction: true });
    const [, november] = await billAt('2021-12-01');
    // 1,000 * 0.010 - 16.00
    expect(november?.adjustments).toMatchObject([{ invoice: 'INV-000001', key: 'hd', ratedAmount: '10.00', amount: '-6.00' }]);
    expect((await billAt('2022-01-01'))[2]?.adjustments).toEqual([]);
    await expectVerified();
  });

  test('makes an invoice that is being drafted stale: it is drafted anew, and knows it', async () => {
    const { issue } = it.ports.invoices;
    let raced = false;
    const racing: typeof issue = async (draft, tenant) => {
      if (!raced) await change('hd', '2021-10-01T00:00:00Z', perUnit('0.020'));
      raced = true;
      return issue(draft, tenant);
    };
    it.clock.moveTo(Date.parse('2021-11-01T00:00:00Z'));
    const run = await requestInvoiceRun(it.ports, undefined, it.tenant);
    await it.jobs.idle();
    await executeInvoiceRun({ ...it.ports, invoices: { ...it.ports.invoices, issue: racing } }, run);
    expect((await documents()).map(({ total, priceRevision }) => [total, priceRevision])).toEqual([['20.00', 1]]);
  });
});

test('tiers go on where they stood, flat fees pay the days of each price, and a day belongs to the price it ends with', async () => {
  await it.plan('rtc', [
    { key: 'base', name: 'Base', price: { model: 'flat', amount: '31.00' } },
    { key: 'hd', name: 'HD', meter: 'hd', price: graduated('0.10', '0.05') },
  ]);
  await it.customer('tokyo', ['t'], 'Asia/Tokyo');
  await it.subscribe('tokyo', 'rtc', '2021-09-30T15:00:00Z');
  await change('base', '2021-10-10T16:00:00Z', { model: 'flat', amount: '62.00' }); // 11 October, 1 in the morning in Tokyo
  await change('hd', '2021-10-10T16:00:00Z', graduated('0.08', '0.04'));
  await it.use('hd', 't', '2021-10-10T15:59:00Z', '800');
  await it.use('hd', 't', '2021-10-10T16:00:00Z', '500');
  const [october] = await billAt('2021-11-01');
  expect(amounts(october)).toEqual({
    base: '52.00', // 31.00 * 10 / 31 + 62.00 * 21 / 31
    hd: '108.00', // 800 * 0.10; then 200 * 0.08 up to 1,000, and 300 * 0.04
  });
  await expectVerified();
});

test('a price that comes to look at dimensions within the month is told all of the month by them', async () => {
  await it.meter('calls', 'sum', { class: '$.class' });
  await it.plan('rtc', [{ key: 'calls', name: 'Calls', meter: 'calls', price: perUnit('1') }]);
  await it.subscribe('acme', 'rtc', '2021-10-01T00:00:00Z');
  const cells = [{ match: { class: 'hd' }, price: graduated('3', '2') }] as const;
  await change('calls', CHANGE, {
    model: 'matrix',
    dimensions: ['class'],
    cells: [...cells],
    default: perUnit('0.5'),
  } as RateCard['price']);
  for (const [day, hd, sd] of [
    ['10', '900', '100'],
    ['25', '200', '10'],
  ] as const) {
    await it.use('calls', 'a', `2021-10-${day}T12:00:00Z`, hd, { class: 'hd' });
    await it.use('calls', 'a', `2021-10-${day}T12:00:00Z`, sd, { class: 'sd' });
  }
  const [october] = await billAt('2021-11-01');
  // 1,000 * 1; then HD goes on at 900: 100 * 3 up to 1,000 and 100 * 2; 10 * 0.5
  expect(amounts(october)).toEqual({ calls: '1505.00' });
  await expectVerified();
});

test('usage that is no sum over time is charged whole, at the price its period begins with', async () => {
  await it.meter('peak', 'max');
  await it.plan('rtc', [{ key: 'peak', name: 'Peak', meter: 'peak', price: perUnit('2') }]);
  await it.subscribe('acme', 'rtc', '2021-10-01T00:00:00Z');
  await change('peak', CHANGE, perUnit('3'));
  await it.use('peak', 'a', '2021-10-10T12:00:00Z', '10');
  await it.use('peak', 'a', '2021-10-25T12:00:00Z', '12');
  await it.use('peak', 'a', '2021-11-10T12:00:00Z', '7');
  const [october, november] = await billAt('2021-12-01');
  expect([october?.total, november?.total]).toEqual(['24.00', '21.00']);
  expect(october?.lines[0]?.parts).toBeUndefined();
});

test('a price change wakes rating for whoever is subscribed to the plan version', async () => {
  await it.plan('rtc', LIST.map(minutes));
  await it.subscribe('acme', 'rtc', '2021-10-01T00:00:00Z');
  await database.query('delete from rating_wakeup');
  await change('hd', CHANGE, perUnit('0.012'));
  expect((await it.waiting()).map(({ customers }) => customers)).toEqual([['acme']]);
});

test('8 changes entered at once all count, each with a revision of its own', async () => {
  await it.plan('rtc', LIST.map(minutes));
  const entered = await Promise.all(
    Array.from({ length: 8 }, (_, index) => change('hd', `2021-11-0${index + 1}T00:00:00Z`, perUnit(`0.01${index}`))),
  );
  expect(entered.map(({ revision }) => revision).toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

function graduated(first: string, rest: string): RateCard['price'] {
  return {
    model: 'graduated',
    tiers: [
      { upTo: '1000', unitAmount: first },
      { upTo: null, unitAmount: rest },
    ],
  };
}
