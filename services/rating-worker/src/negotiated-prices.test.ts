import { catalogStores } from '@meterline/backends/postgres';
import type { InvoiceDocument } from '@meterline/domain/invoices';
import type { RateCard } from '@meterline/domain/prices';
import { executeInvoiceRun, invoiceAccounting, requestInvoiceRun } from '@meterline/pipeline/invoices';
import { planFitOf } from '@meterline/pipeline/plan-fit';
import type { Database } from '@meterline/pipeline/ports';
import { spendOf } from '@meterline/pipeline/spend';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openTestDatabase } from '../../../test/support/database.ts';
import { openRatingFixture, type RatingFixture } from '../../../test/support/rating.ts';
import { changeNow, previewNow } from '../../../test/support/subscription-changes.ts';

const perUnit = (unitAmount: string) => ({ model: 'per_unit', unitAmount }) as const;
const BASE: RateCard = { key: 'base', name: 'Base', price: { model: 'flat', amount: '31.00' } };
const CALLS: RateCard = { key: 'calls', name: 'Calls', meter: 'calls', price: perUnit('0.10') };
const PRO = { plan: 'pro', version: 1 };

let database: Database;
let it: RatingFixture;
let subscription: string;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  it = await openRatingFixture(database, '2026-01-01T00:00:00Z');
  await it.meter('calls');
  await it.plan('pro', [BASE, CALLS]);
  for (const key of ['acme', 'beta']) await it.customer(key, [key]);
  subscription = await it.subscribe('acme', 'pro', '2026-01-01T00:00:00Z');
  await it.subscribe('beta', 'pro', '2026-01-01T00:00:00Z');
});
afterEach(() => it.close());

type Agreement = Parameters<RatingFixture['negotiatedPrices']['add']>[1];
const agree = (input: Partial<Agreement>) =>
  it.negotiatedPrices.add('acme', { plan: 'pro', rateCard: 'calls', ...input }, it.tenant);

async function billAt(day: string): Promise<InvoiceDocument[]> {
  it.clock.moveTo(Date.parse(`${day}T00:00:00Z`));
  const run = await requestInvoiceRun(it.ports, undefined, it.tenant);
  await it.jobs.idle();
  await executeInvoiceRun(it.ports, run);
  const all = (await it.invoices()).map((invoice) => JSON.parse(invoice.document) as InvoiceDocument);
  return all.filter(({ customer }) => customer.key === 'acme');
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

test('a price negotiated from the 17th on is charged from then on, in spend and on the invoice, which says so; others pay the list price', async () => {
  await agree({ validFrom: '2026-01-17T00:00:00Z', price: perUnit('0.07') });
  await agree({ rateCard: 'base', validFrom: '2026-01-17T00:00:00Z', price: { model: 'flat', amount: '20.00' } });
  for (const subject of ['acme', 'beta']) {
    await it.use('calls', subject, '2026-01-16T23:59:59Z', '100');
    await it.use('calls', subject, '2026-01-17T00:00:00Z', '200');
  }
  // 31.00 * 16 / 31 + 20.00 * 15 / 31 = 16.00 + 9.677; 100 * 0.10 + 200 * 0.07
  const expected = { base: '25.68', calls: '24.00' };
  const spends = await Promise.all(
    ['acme', 'beta'].map((key) => spendOf(it.ports, key, Date.parse('2026-01-20T00:00:00Z'), it.tenant)),
  );
  expect(spends.map(({ subscriptions: [own] }) => amounts(own))).toEqual([expected, { base: '31.00', calls: '30.00' }]);
  const [january] = await billAt('2026-02-01');
  expect(amounts(january)).toEqual(expected);
  expect(january).toMatchObject({ negotiatedRevision: 2, priceRevision: 0 });
  expect(january?.lines[1]).toMatchObject({
    quantity: '300',
    price: perUnit('0.07'),
    negotiated: 1,
    parts: [
      { quantity: '100', price: perUnit('0.10') },
      { quantity: '200', price: perUnit('0.07'), negotiated: 1 },
    ],
    explanation: [
      {
        kind: 'negotiated',
        description: 'Price 2: Negotiated price (1)',
        amount: '0',
        facts: { type: 'negotiated', revision: 1 },
      },
      { quantity: '100', unitAmount: '0.10' },
      { quantity: '200', unitAmount: '0.07' },
    ],
  });
  expect(january?.lines[1]?.parts?.[0]).not.toHaveProperty('negotiated');
  await expectVerified();
});

test('a list price that changes while it holds does not touch it, and holds as soon as it ends', async () => {
  await agree({ validFrom: '2026-01-01T00:00:00Z', validUntil: '2026-02-11T00:00:00Z', price: perUnit('0.07') });
  const raise = { rateCard: 'calls', validFrom: '2026-01-17T00:00:00Z', price: perUnit('0.15') };
  await it.priceChanges.add(PRO, raise, it.tenant);
  for (const day of ['01-16', '01-20', '02-10', '02-11']) await it.use('calls', 'acme', `2026-${day}T12:00:00Z`, '100');
  const [january, february] = await billAt('2026-03-01');
  // 200 * 0.07, not parted where the list price changed; then 100 * 0.07 + 100 * 0.15
  expect([amounts(january).calls, amounts(february).calls]).toEqual(['14.00', '22.00']);
  expect(january?.lines[1]?.parts).toBeUndefined();
  expect(january?.lines[1]).toMatchObject({ negotiated: 1, explanation: [{ description: 'Negotiated price (1)' }, {}] });
  expect(february?.lines[1]).not.toHaveProperty('negotiated');
  await expectVerified();
});

test('modifiers alone follow the list price, and name only what is another', async () => {
  await it.priceChanges.add(PRO, { rateCard: 'calls', validFrom: '2026-01-17T00:00:00Z', price: perUnit('0.20') }, it.tenant);
  await agree({ validFrom: '2026-01-01T00:00:00Z', modifiers: { percentOff: '25' } });
  await it.use('calls', 'acme', '2026-01-10T12:00:00Z', '100');
  await it.use('calls', 'acme', '2026-01-20T12:00:00Z', '100');
  const [january] = await billAt('2026-02-01');
  // (100 * 0.10 + 100 * 0.20) * 75 %
  expect(amounts(january).calls).toBe('22.50');
  await expectVerified();
});

describe('what is entered about invoiced days', () => {
  beforeEach(async () => {
    await it.use('calls', 'acme', '2026-01-10T12:00:00Z', '100');
    await billAt('2026-02-01');
  });

  test('is refused, naming how far the customer is invoiced, unless it is a correction, which the next invoice settles', async () => {
    const input = { validFrom: '2026-01-01T00:00:00Z', price: perUnit('0.07') };
    await expect(agree(input)).rejects.toMatchObject({
      code: 'negotiated_price.period_invoiced',
      errors: [{ path: 'validFrom', message: expect.stringContaining('2026-02-01T00:00:00Z') }],
    });
    await agree({ ...input, correction: true });
    await it.use('calls', 'acme', '2026-01-31T12:00:00Z', '10'); // late
    const [january, february] = await billAt('2026-03-01');
    expect(january?.total).toBe('41.00');
    expect(february?.adjustments).toMatchObject([{ key: 'calls', ratedAmount: '7.70', billedAmount: '10.00', amount: '-2.30' }]);
    await expectVerified();
    // Another correction leaves both as they are: they state what they knew.
    await agree({ validFrom: '2026-01-01T00:00:00Z', price: perUnit('0.01'), correction: true });
    await expectVerified();
  });

  test('an end needs a correction as well, and late usage pays the price of its time', async () => {
    const { revision } = await agree({ validFrom: '2026-02-01T00:00:00Z', price: perUnit('0.05') });
    await it.use('calls', 'acme', '2026-02-10T12:00:00Z', '100');
    await billAt('2026-03-01');
    const at = '2026-02-15T00:00:00Z';
    await expect(it.negotiatedPrices.end('acme', revision, { at }, it.tenant)).rejects.toMatchObject({
      code: 'negotiated_price.period_invoiced',
      errors: [{ path: 'at' }],
    });
    expect(await it.negotiatedPrices.end('acme', revision, { at, correction: true }, it.tenant)).toMatchObject({
      revision,
      validUntilMs: null,
      end: { revision: revision + 1, atMs: Date.parse(at) },
    });
    await it.use('calls', 'acme', '2026-02-14T12:00:00Z', '100');
    await it.use('calls', 'acme', '2026-02-20T12:00:00Z', '100');
    const march = (await billAt('2026-04-01')).at(-1);
    // 100 * 0.05 were billed; 200 * 0.05 + 100 * 0.10 are due
    expect(march?.adjustments).toMatchObject([{ ratedAmount: '20.00', billedAmount: '5.00', amount: '15.00' }]);
    await expectVerified();
  });
});

test('it goes along through a new version of the plan and a new beginning, and rests where the version has no such card', async () => {
  const plans = catalogStores(database).plans;
  const version = (rateCards: readonly RateCard[]) => plans.addVersion('pro', { rateCards }, it.clock.nowMs(), it.tenant);
  await version([BASE, { ...CALLS, price: perUnit('0.20') }]);
  await version([BASE, { ...CALLS, key: 'minutes', price: perUnit('0.30') }]);
  await agree({ validFrom: '2026-01-01T00:00:00Z', price: perUnit('0.07') });
  await changeNow(it, subscription, { kind: 'plan', plan: 'pro', version: 3, at: 'period_end' });
  await changeNow(it, subscription, { kind: 'plan', plan: 'pro', version: 2, at: '2026-03-01T00:00:00Z' });
  await changeNow(it, subscription, { kind: 'cancel', at: '2026-03-31T12:00:00Z' });
  await changeNow(it, subscription, { kind: 'resubscribe', at: '2026-04-10T00:00:00Z' });
  for (const day of ['01-10', '02-10', '03-10', '04-10']) await it.use('calls', 'acme', `2026-${day}T12:00:00Z`, '100');
  const invoices = await billAt('2026-05-01');
  expect(invoices.map(({ planVersion, lines: [, line] }) => [planVersion, line?.key, line?.amount, line?.negotiated])).toEqual([
    [1, 'calls', '7.00', 1],
    [3, 'minutes', '30.00', undefined],
    [2, 'calls', '7.00', 1],
    [2, 'calls', '7.00', 1],
  ]);
  await expectVerified();
});

test('an allowance that was negotiated carries over what it leaves, from invoice to invoice and to spend', async () => {
  await agree({
    validFrom: '2026-01-01T00:00:00Z',
    modifiers: { allowance: { units: '100', carryOver: { maximumUnits: null } } },
  });
  await it.use('calls', 'acme', '2026-01-10T12:00:00Z', '40');
  const [january] = await billAt('2026-02-01');
  expect(january?.lines[1]).toMatchObject({ amount: '0.00', carriedOver: '60' });
  await it.use('calls', 'acme', '2026-02-10T12:00:00Z', '170');
  const spend = await spendOf(it.ports, 'acme', Date.parse('2026-02-20T00:00:00Z'), it.tenant);
  expect(amounts(spend.subscriptions[0]).calls).toBe('1.00'); // 170 - 100 - 60 = 10 at 0.10
  const [, february] = await billAt('2026-03-01');
  expect(amounts(february).calls).toBe('1.00');
  await expectVerified();
});

test('plan fit and previews count what was negotiated for the plan, and for that plan alone', async () => {
  await it.plan('max', [BASE, { ...CALLS, price: perUnit('0.09') }]);
  await agree({ validFrom: '2026-01-01T00:00:00Z', price: perUnit('0.07') });
  await it.use('calls', 'acme', '2026-01-10T12:00:00Z', '100');
  await it.use('calls', 'acme', '2026-02-10T12:00:00Z', '200');
  await billAt('2026-03-01');
  const fit = await planFitOf(
    { ...it.ports, ...catalogStores(database) },
    'acme',
    { months: 2, nowMs: it.clock.nowMs() },
    it.tenant,
  );
  // 2 * 31.00 + 300 * 0.07, and 2 * 31.00 + 300 * 0.09
  expect(fit.plans.map(({ plan, total }) => [plan, total]).toSorted()).toEqual([
    ['max', '89.00'],
    ['pro', '83.00'],
  ]);
  await it.use('calls', 'acme', '2026-03-01T12:00:00Z', '100');
  it.clock.moveTo(Date.parse('2026-03-02T00:00:00Z'));
  const preview = await previewNow(it, subscription, { kind: 'plan', plan: 'max', at: 'period_end' });
  expect(preview.next[0]?.total).toBe('38.00'); // 31.00 + 100 * 0.07
  expect(preview.difference.prices).toMatchObject([
    { key: 'calls', before: { price: perUnit('0.07') }, after: { price: perUnit('0.09') } },
  ]);
  await agree({ validFrom: '2026-03-01T00:00:00Z', price: perUnit('0.05') });
  await expect(changeNow(it, subscription, { token: preview.token })).rejects.toMatchObject({
    code: 'subscription.changed_since',
    errors: [{ path: 'negotiated' }],
  });
});

test('entering and ending wake rating for the customer; of 8 entered at once all count', async () => {
  await database.query('delete from rating_wakeup');
  const entered = await Promise.all(Array.from({ length: 8 }, (_, at) => agree({ price: perUnit(`0.0${at + 1}`) })));
  expect(entered.map(({ revision }) => revision).toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  await it.negotiatedPrices.end('acme', 1, {}, it.tenant);
  expect((await it.waiting()).map(({ customers }) => customers)).toEqual(Array.from({ length: 9 }, () => ['acme']));
});

test('a bill in parts is the sum of every unit at what the customer pays at its time', async () => {
  const day = fc.integer({ min: 1, max: 30 });
  const at = (of: number) => `2026-01-${String(of).padStart(2, '0')}T00:00:00Z`;
  const entries = fc.array(
    fc.record({ from: day, length: fc.option(fc.integer({ min: 1, max: 10 })), cents: fc.integer({ min: 1, max: 9 }) }),
    { maxLength: 5 },
  );
  const used = fc.array(fc.record({ day, units: fc.integer({ min: 1, max: 500 }) }), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(entries, used, async (agreements, usage) => {
      const key = `c${Math.random().toString(36).slice(2)}`;
      await it.customer(key, [key]);
      await it.subscribe(key, 'pro', '2026-01-01T00:00:00Z');
      for (const { from, length, cents } of agreements) {
        const validUntil = length === null ? undefined : at(Math.min(from + length, 31));
        const input = { plan: 'pro', rateCard: 'calls', validFrom: at(from), validUntil, price: perUnit(`0.0${cents}`) };
        await it.negotiatedPrices.add(key, input, it.tenant);
      }
      for (const each of usage) await it.use('calls', key, at(each.day), String(each.units));
      const cents = usage.reduce((sum, each) => {
        const holding = agreements.findLast(
          ({ from, length }) => from <= each.day && each.day < Math.min(from + (length ?? 99), length === null ? 99 : 31),
        );
        return sum + each.units * (holding?.cents ?? 10);
      }, 0);
      const spend = await spendOf(it.ports, key, Date.parse('2026-01-31T12:00:00Z'), it.tenant);
      expect(amounts(spend.subscriptions[0]).calls).toBe((cents / 100).toFixed(2));
    }),
    { numRuns: 12 },
  );
});
