import { type InvoiceDocument, invoiceLines } from '@meterline/domain/invoices';
import type { PerSeatPrice, RateCard } from '@meterline/domain/prices';
import { describe as told } from '@meterline/domain/rating';
import { executeInvoiceRun, requestInvoiceRun, verifyInvoice } from '@meterline/pipeline/invoices';
import type { Database } from '@meterline/pipeline/ports';
import { spendOf } from '@meterline/pipeline/spend';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openTestDatabase } from '../../../test/support/database.ts';
import { openRatingFixture, type RatingFixture } from '../../../test/support/rating.ts';

let database: Database;
let it: RatingFixture;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  it = await openRatingFixture(database, '2026-01-01T00:00:00Z');
  await it.meter('seats', 'latest', { role: '$.role' });
  await it.customer('acme', ['a']);
});
afterEach(() => it.close());

const card = (price: Partial<PerSeatPrice> = {}, more: Partial<RateCard> = {}): RateCard => ({
  ...{ key: 'seats', name: 'Seats', meter: 'seats', price: { model: 'per_seat', seatAmount: '31.00', ...price } },
  ...more,
});

async function subscribe(cards: readonly RateCard[], startsAt = '2026-01-01T00:00:00Z', proration?: 'second' | 'none') {
  await it.plan('team', cards, 'month', proration);
  await it.subscribe('acme', 'team', startsAt);
}

const hold = (at: string, seats: number, role = 'editor') => it.use('seats', 'a', `2026-${at}:00Z`, String(seats), { role });

/** Invoices what ended by then; answers all invoices so far, each proven. */
async function invoicesAt(day: string): Promise<InvoiceDocument[]> {
  it.clock.moveTo(Date.parse(`2026-${day}T00:00:00Z`));
  await executeInvoiceRun(it.ports, await requestInvoiceRun(it.ports, undefined, it.tenant));
  const stored = await it.invoices();
  for (const { document } of stored) expect((await verifyInvoice(it.ports, document)).differences).toEqual([]);
  return stored.map(({ document }) => JSON.parse(document) as InvoiceDocument);
}

const steps = ({ lines: [line] }: Pick<InvoiceDocument, 'lines'>, language: 'en' | 'zh' = 'en') =>
  line?.explanation.map((step) => `${told(step, language)}: ${step.amount}`);
const spendOn = async (day: string) => {
  const { subscriptions, total } = await spendOf(it.ports, 'acme', Date.parse(`2026-${day}T00:00:00Z`), it.tenant);
  return { total, steps: subscriptions.flatMap((each) => steps(each) ?? []) };
};

describe('seats added and given back within a month', () => {
  test('pay the days they are held, live as on the invoice, told in every language', async () => {
    await subscribe([card()]);
    await hold('01-01T09:00', 5);
    await hold('01-11T14:00', 8);
    await hold('01-27T08:00', 6);
    // 5 * 31.00; 3 from the 11th on: 21 of 31 days; 2 fewer from the 27th on: 5 of 31 days
    const january = ['5 seats at 31.00: 155', '3 seats added at 31.00 for 21 of 31 days: 63', '2 seats given back at 31.00 for 5 of 31 days: -10']; // prettier-ignore
    expect(await spendOn('01-28')).toEqual({ total: '208.00', steps: january });
    const [invoice] = await invoicesAt('02-01');
    expect(invoice).toMatchObject({ total: '208.00', lines: [{ quantity: '5', events: 3, amount: '208.00' }] });
    expect(steps(invoice ?? { lines: [] })).toEqual(january);
    expect(steps(invoice ?? { lines: [] }, 'zh')).toEqual([
      '5 个席位，每个 31.00: 155',
      '增加 3 个席位，每个 31.00，计 21/31 天: 63',
      '减少 2 个席位，每个 31.00，计 5/31 天: -10',
    ]);
  });

  test('are still held in months without a word of them', async () => {
    await subscribe([card()]);
    await hold('01-05T12:00', 4);
    const invoices = await invoicesAt('04-01');
    // 4 from 5 January on: 27 of 31 days
    expect(invoices.map(({ total }) => total)).toEqual(['108.00', '124.00', '124.00']);
  });

  test('leave the minimum billed and those included free, in a part of a month too', async () => {
    await subscribe([card({ minimumSeats: '3', includedSeats: '2' })], '2026-01-22T10:00:00Z');
    await hold('01-10T00:00', 1); // before the subscription
    await hold('01-27T00:00', 6);
    await hold('01-30T00:00', 2);
    const [fee, invoice] = await invoicesAt('02-01');
    // February's minimum is due before a seat of it is known.
    expect(fee).toMatchObject({ kind: 'fee', total: '31.00', period: { from: '2026-02-01T00:00:00Z' } });
    // at least 3, less 2: 1 * 10 of 31 days; 4 - 1 more for 5 days, and again fewer for 2
    expect(steps(invoice ?? { lines: [] })).toEqual([
      '1 seat at 31.00 beyond 2 included, at least 3 billed for 10 of 31 days: 10',
      '3 seats added at 31.00 for 5 of 31 days: 15',
      '3 seats given back at 31.00 for 2 of 31 days: -6',
    ]);
  });

  test('are those of the values that a card looks at', async () => {
    const of = (role: string, seatAmount: string) => card({ seatAmount }, { key: role, filter: { role } });
    await subscribe([of('editor', '31.00'), of('viewer', '3.10')]);
    await hold('01-01T00:00', 2);
    await hold('01-01T00:00', 10, 'viewer');
    await hold('01-22T00:00', 20, 'viewer');
    const [invoice] = await invoicesAt('02-01');
    expect(invoice?.lines.map(({ key, amount }) => [key, amount])).toEqual([
      ['editor', '62.00'],
      ['viewer', '41.00'], // 10 * 3.10 + 10 * 3.10 * 10 / 31
    ]);
  });

  test('that are told late are settled by their days on the next invoice', async () => {
    await subscribe([card()]);
    await hold('01-01T09:00', 5);
    expect((await invoicesAt('02-01'))[0]?.total).toBe('155.00');
    await hold('01-22T09:00', 7);
    const [, february] = await invoicesAt('03-01');
    // 2 more for 10 of 31 days in January, and all of February
    expect(february).toMatchObject({ adjustments: [{ amount: '20.00' }], lines: [{ quantity: '7', amount: '217.00' }] });
    expect(february?.adjustments[0]).not.toHaveProperty('policyVersion');
  });
});

test('a price that changes within the month charges the seats of its days', async () => {
  await subscribe([card()]);
  const change = {
    rateCard: 'seats',
    validFrom: '2026-01-16T12:00:00Z',
    price: { model: 'per_seat', seatAmount: '62.00' } as const,
  };
  await it.priceChanges.add({ plan: 'team', version: 1 }, change, it.tenant);
  await hold('01-01T00:00', 2);
  await hold('01-11T00:00', 3);
  await hold('01-16T08:00', 4); // the day belongs to the price that it ends with
  await hold('01-31T00:00', 1);
  const [invoice] = await invoicesAt('02-01');
  expect(steps(invoice ?? { lines: [] })).toEqual([
    'Price 1: 2 seats at 31.00 for 15 of 31 days: 30',
    'Price 1: 1 seat added at 31.00 for 5 of 31 days: 5',
    'Price 2: 4 seats at 62.00 for 16 of 31 days: 128',
    'Price 2: 3 seats given back at 62.00 for 1 of 31 days: -6',
  ]);
  expect(invoice?.lines[0]).toMatchObject({ quantity: '2', parts: [{ quantity: '2' }, { quantity: '4' }], amount: '157.00' });
});

describe('seats of a plan that shares its fees', () => {
  test('by the second pay theirs', async () => {
    await subscribe([card()], '2026-01-01T00:00:00Z', 'second');
    await hold('01-01T00:00', 5);
    await hold('01-31T12:00', 7);
    const [invoice] = await invoicesAt('02-01');
    // 2 for half a day of 31
    expect(steps(invoice ?? { lines: [] })?.slice(1)).toEqual(['2 seats added at 31.00 for 43200 of 2678400 seconds: 1']);
    expect(invoice?.total).toBe('156.00');
  });

  test('not at all pay whole for the most that were held at once, and get nothing back', async () => {
    await subscribe([card()], '2026-01-01T00:00:00Z', 'none');
    await hold('01-01T00:00', 5);
    await hold('01-31T12:00', 7);
    await hold('01-31T13:00', 1);
    expect((await invoicesAt('03-01')).map(({ total }) => total)).toEqual(['217.00', '31.00']);
  });
});

test('an invoice of the policy before is proven, and adjusted, by its own rules: the last number of the month', async () => {
  await subscribe([card()]);
  await hold('01-01T00:00', 5);
  await hold('01-22T00:00', 7);
  const [invoice] = await invoicesAt('02-01');
  const part = { rateCard: card(), from: '2026-01-01T00:00:00Z', to: '2026-02-01T00:00:00Z', days: 31, usage: { quantity: '7', events: 2 } }; // prettier-ignore
  const lines = invoiceLines([{ currency: 'USD', daysInPeriod: 31, parts: [part] }]);
  const before = { ...invoice, lines, total: '217.00', policy: { ...invoice?.policy, version: 2 } };
  await database.query('alter table invoice disable trigger all');
  await database.query('update invoice set document = $1 where tenant = $2', [JSON.stringify(before), it.tenant]);
  await database.query('alter table invoice enable trigger all');
  await hold('01-23T00:00', 9);
  const [first, february] = await invoicesAt('03-01');
  expect(first?.policy.version).toBe(2);
  expect(february).toMatchObject({
    policy: { version: 3 },
    adjustments: [{ policyVersion: 2, ratedAmount: '279.00', billedAmount: '217.00', amount: '62.00' }],
  });
});
