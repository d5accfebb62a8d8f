import { catalogStores } from '@meterline/backends/postgres';
import type { Modifiers, Price, RateCard } from '@meterline/domain/prices';
import { createCatalog } from '@meterline/pipeline/catalog';
import type { Database } from '@meterline/pipeline/ports';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openTestDatabase } from '../../../test/support/database.ts';
import { billUntil, expectVerified } from '../../../test/support/rated-again.ts';
import { openRatingFixture, type RatingFixture } from '../../../test/support/rating.ts';

const START = '2026-01-01T00:00:00Z';
const MONTHLY = { every: 'month', anchor: 'calendar' } as const;
const LIST = { model: 'per_unit', unitAmount: '0.10' } as const;
const FEE: RateCard = { key: 'base', name: 'Base', price: { model: 'flat', amount: '31.00' } };

const noKeys = () => {
  throw new Error('no API key is made here');
};
const card = (key: string, modifiers?: Modifiers): RateCard => ({
  ...{ key, name: key, meter: 'calls', price: LIST },
  ...(modifiers && { modifiers }),
});

let database: Database;
let it: RatingFixture;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  it = await openRatingFixture(database, START);
  await it.meter('calls', 'sum', { kind: '$.kind' });
  await it.customer('acme', ['a']);
});
afterEach(() => it.close());

async function usePlan(rateCards: readonly RateCard[]): Promise<void> {
  await it.plan('pro', rateCards);
  await it.subscribe('acme', 'pro', START);
  await it.use('calls', 'a', '2026-01-10T12:00:00Z', '100', { kind: 'hd' });
  await it.use('calls', 'a', '2026-01-20T12:00:00Z', '150', { kind: 'sd' });
}

const agree = (input: Parameters<RatingFixture['negotiatedPrices']['add']>[1]) =>
  it.negotiatedPrices.add('acme', { validFrom: START, ...input }, it.tenant);

async function billed(): Promise<Record<string, string>> {
  const [january] = await billUntil(it, '2026-02-01T00:00:00Z');
  await expectVerified(it);
  return Object.fromEntries(january?.lines.map(({ key, amount }) => [key, amount]) ?? []);
}

test('every price model can be negotiated in place of the list price', async () => {
  const tiers = [
    { upTo: '100', unitAmount: '0.10' },
    { upTo: null, unitAmount: '0.05' },
  ];
  const rates = [
    { upTo: '100', rate: '2' },
    { upTo: null, rate: '1' },
  ];
  const cells = [{ match: { kind: 'hd' }, price: { model: 'per_unit', unitAmount: '0.20' } as const }];
  // 100 units of hd and 150 of sd, together 250.
  const agreed: Record<Exclude<Price['model'], 'flat' | 'per_seat'>, readonly [Price, string]> = {
    per_unit: [{ model: 'per_unit', unitAmount: '0.07' }, '17.50'],
    graduated: [{ model: 'graduated', tiers }, '17.50'], // 100 * 0.10 + 150 * 0.05
    volume: [{ model: 'volume', tiers }, '12.50'], // 250 * 0.05
    package: [{ model: 'package', packageSize: '100', packageAmount: '3.00' }, '9.00'], // 3 blocks begun
    percentage: [{ model: 'percentage', rate: '2' }, '5.00'],
    graduated_percentage: [{ model: 'graduated_percentage', tiers: rates }, '3.50'], // 2.00 + 1.50
    dynamic: [{ model: 'dynamic', multiplier: '0.2' }, '50.00'],
    matrix: [{ model: 'matrix', dimensions: ['kind'], cells, default: { model: 'per_unit', unitAmount: '0.01' } }, '21.50'], // 20.00 + 1.50
  };
  await it.meter('seats', 'latest');
  await it.use('seats', 'a', START, '5');
  const seats: RateCard = { key: 'seats', name: 'Seats', meter: 'seats', price: { model: 'per_seat', seatAmount: '1.00' } };
  await usePlan([FEE, seats, ...Object.keys(agreed).map((model) => card(model))]);
  for (const [rateCard, [price]] of Object.entries(agreed)) await agree({ plan: 'pro', rateCard, price });
  await agree({ plan: 'pro', rateCard: 'base', price: { model: 'flat', amount: '20.00' } });
  await agree({ plan: 'pro', rateCard: 'seats', price: { model: 'per_seat', seatAmount: '0.50' } });
  const amounts = Object.entries(agreed).map(([model, [, amount]]) => [model, amount]);
  expect(await billed()).toEqual({ base: '20.00', seats: '2.50', ...Object.fromEntries(amounts) });
});

test('every modifier can be agreed on where the plan has none, and away where it has one', async () => {
  // Of 250 * 0.10 = 25.00.
  const agreed: Record<keyof Modifiers, readonly [Modifiers, string]> = {
    unitConversion: [{ unitConversion: { operation: 'divide', factor: '10' } }, '2.50'],
    freeUnits: [{ freeUnits: '50' }, '20.00'],
    allowance: [{ allowance: { units: '100' } }, '15.00'],
    percentOff: [{ percentOff: '20' }, '20.00'],
    maximumSpend: [{ maximumSpend: '15.00' }, '15.00'],
    minimumSpend: [{ minimumSpend: '40.00' }, '40.00'],
    credits: [{ credits: ['5.00'] }, '20.00'],
    rounding: [{ rounding: { mode: 'up', scope: 'line' } }, '25.09'], // of 250 * 0.10033 = 25.0825, which is 25.08
  };
  const rounded = (of: RateCard): RateCard =>
    of.key.startsWith('rounding') ? { ...of, price: { model: 'per_unit', unitAmount: '0.10033' } } : of;
  const names = Object.entries(agreed).map(([name, [modifiers]]) => ({ name, modifiers }));
  await usePlan(names.flatMap(({ name, modifiers }) => [card(name), card(`${name}-away`, modifiers)].map(rounded)));
  for (const { name, modifiers } of names) {
    await agree({ plan: 'pro', rateCard: name, modifiers });
    await agree({ plan: 'pro', rateCard: `${name}-away`, modifiers: { [name]: null } });
  }
  const amounts = Object.entries(agreed).flatMap(([name, [, amount]]) => [
    [name, amount],
    [`${name}-away`, name === 'rounding' ? '25.08' : '25.00'],
  ]);
  expect(await billed()).toEqual(Object.fromEntries(amounts));
});

test('a percentage off everything is off each card’s own, and the card’s own agreement or that of the plan comes before it', async () => {
  await usePlan([FEE, card('calls'), card('sale', { percentOff: '10' }), card('least', { minimumSpend: '24.00' }), card('own')]);
  await agree({ percentOff: '20' });
  await agree({ plan: 'pro', rateCard: 'own', modifiers: { percentOff: '5' } });
  await it.plan('fax', [{ ...FEE, key: 'fax' }]);
  await it.subscribe('acme', 'fax', START);
  await agree({ plan: 'fax', percentOff: '50' });
  const [pro, fax] = (await billUntil(it, '2026-02-01T00:00:00Z')).toSorted((a, b) => (a.plan < b.plan ? 1 : -1));
  expect(pro?.lines.map(({ key, amount, negotiated }) => [key, amount, negotiated])).toEqual([
    ['base', '24.80', 1], // 31.00 * 80 %
    ['calls', '20.00', 1], // 25.00 * 80 %
    ['sale', '18.00', 1], // 25.00 * 90 % * 80 %
    ['least', '24.00', 1], // 25.00 * 80 % = 20.00, raised to its minimum
    ['own', '23.75', 2], // 25.00 * 95 %
  ]);
  expect(fax?.lines.map(({ amount, negotiated }) => [amount, negotiated])).toEqual([['15.50', 3]]);
  await expectVerified(it);
});

test('a percentage off everything holds from its instant up to its end, by days and by units, and needs a correction for invoiced days', async () => {
  await usePlan([FEE, card('calls')]);
  const { revision } = await agree({ percentOff: '50', validFrom: '2026-01-17T00:00:00Z' });
  // 31.00 * 16 / 31 + 50 % of 31.00 * 15 / 31 = 16.00 + 7.50; 100 * 0.10 + 50 % of 150 * 0.10
  expect(await billed()).toEqual({ base: '23.50', calls: '17.50' });
  await expect(agree({ percentOff: '10' })).rejects.toMatchObject({
    code: 'negotiated_price.period_invoiced',
    errors: [{ path: 'validFrom', message: expect.stringContaining('2026-02-01T00:00:00Z') as unknown }],
  });
  await it.negotiatedPrices.end('acme', revision, { at: '2026-01-17T00:00:00Z', correction: true }, it.tenant);
  await it.use('calls', 'a', '2026-01-21T12:00:00Z', '10'); // late
  const february = (await billUntil(it, '2026-03-01T00:00:00Z')).at(-1);
  // 31.00 and 260 * 0.10 are due of January.
  expect(february?.adjustments).toMatchObject([
    { key: 'base', ratedAmount: '31.00', billedAmount: '23.50', amount: '7.50' },
    { key: 'calls', ratedAmount: '26.00', billedAmount: '17.50', amount: '8.50' },
  ]);
  await expectVerified(it);
});

test('a phase keeps the prices it has of its own, also where everything is to be cheaper', async () => {
  const rateCards = [FEE, card('calls')];
  const intro = { key: 'intro', name: 'Introduction', lasts: { months: 1 }, rateCards: [{ key: 'base', percentOff: '50' }] };
  const phased = { key: 'phased', name: 'Phased', currency: 'USD', billingPeriod: MONTHLY, rateCards, phases: [intro] };
  const stores = catalogStores(database);
  await stores.plans.insert(phased, it.clock.nowMs(), it.tenant);
  await agree({ percentOff: '20' });
  const { subscriptions } = createCatalog({ stores, clock: it.clock, generateKey: noKeys });
  await subscriptions.create({ customer: 'acme', plan: 'phased' }, it.tenant);
  await it.use('calls', 'a', '2026-01-10T12:00:00Z', '100');
  const [january, february] = await billUntil(it, '2026-03-01T00:00:00Z');
  // 31.00 * 50 % in the phase, and its calls at 80 %; 31.00 * 80 % behind it.
  expect([january, february].map((invoice) => invoice?.lines.map(({ amount }) => amount))).toEqual([
    ['15.50', '8.00'],
    ['24.80', '0.00'],
  ]);
  await expectVerified(it);
});
