import { catalogStores } from '@meterline/backends/postgres';
import type { RateCard } from '@meterline/domain/prices';
import { planFitOf } from '@meterline/pipeline/plan-fit';
import type { Database } from '@meterline/pipeline/ports';
import { createHttpServer, type HttpServer } from '@meterline/runtime/http';
import { createLogger } from '@meterline/runtime/logging';
import { createMetrics } from '@meterline/runtime/metrics';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase } from '../../../test/support/database.ts';
import { openRatingFixture, type RatingFixture } from '../../../test/support/rating.ts';
import { changeNow } from '../../../test/support/subscription-changes.ts';
import { planFitRoutes } from './plan-fit.ts';

const NOW = '2026-07-15T12:00:00Z';

let database: Database;
let it: RatingFixture;
let server: HttpServer;
/** The subscription of acme. */
let team: string;
/** How often the usage store was asked, and for how much at once. */
const reads: number[] = [];

const card = (meter: string, unitAmount: string, units: string): RateCard => ({
  ...{ key: meter, name: meter, meter, price: { model: 'per_unit', unitAmount } },
  modifiers: { allowance: { units } },
});
const fee = (amount: string): RateCard => ({ key: 'base', name: 'Base', price: { model: 'flat', amount } });

beforeAll(async () => {
  database = await openTestDatabase();
  it = await openRatingFixture(database, NOW);
  const catalog = catalogStores(database);
  const usage: typeof it.ports.usage = {
    ...it.ports.usage,
    async usageAll(queries, cut) {
      reads.push(queries.length);
      return it.ports.usage.usageAll(queries, cut);
    },
  };
  server = await createHttpServer({
    logger: createLogger({ level: 'silent', service: 'test' }),
    metrics: createMetrics({ processMetrics: false }),
    authenticate: async (token) => ({ tenant: token, keyId: token, scopes: new Set(['read'] as const) }),
    openapi: { title: 'Meterline', version: '0.0.0' },
    bodyBytesMax: 100_000,
  });
  planFitRoutes(server, { ...it.ports, usage, plans: catalog.plans, customers: catalog.customers });

  await it.meter('calls');
  await it.meter('seats', 'max');
  await it.meter('faxes');
  // 20.00 with 100 calls, 1.00 each beyond; seats 2.00 each beyond 5
  await it.plan('team', [fee('20.00'), card('calls', '1.00', '100'), card('seats', '2.00', '5')]);
  await it.plan('fax', [card('faxes', '1.00', '10')]);
  await it.customer('acme', ['a', 'b'], 'Asia/Kolkata');
  await it.customer('beta', ['c']);
  await it.customer('empty', []);
  team = await it.subscribe('acme', 'team', '2026-02-10T00:00:00Z');
  // Version 2 costs 50.00; who is on version 1 keeps it.
  const dearer = { rateCards: [fee('50.00'), card('calls', '1.00', '100'), card('seats', '2.00', '5')] };
  await catalog.plans.addVersion('team', dearer, Date.parse(NOW), it.tenant);
  await catalog.meters.archive('faxes', Date.parse(NOW), it.tenant);
  const anniversary = { every: 'month', anchor: 'anniversary' } as const;
  // Nobody is offered a draft, however cheap.
  const monthly = { every: 'month', anchor: 'calendar' } as const;
  await catalog.plans.insert({ key: 'draft', name: 'Draft', currency: 'USD', billingPeriod: monthly, rateCards: [card('calls', '0.01', '1'), card('seats', '0.01', '1')], draft: true }, Date.parse(NOW), it.tenant); // prettier-ignore
  await catalog.plans.insert({ key: 'own-months', name: 'Own', currency: 'USD', billingPeriod: anniversary, rateCards: [fee('1.00')] }, Date.parse(NOW), it.tenant); // prettier-ignore
  await it.subscribe('beta', 'own-months', '2026-03-31T00:00:00Z');
  for (const [month, calls] of [
    ['02', '90'],
    ['03', '110'],
    ['04', '130'],
    ['05', '130'],
    ['06', '100'],
  ] as const) {
    // prettier-ignore
    await it.use('calls', 'a', `2026-${month}-12T00:00:00Z`, calls);
    await it.use('seats', 'a', `2026-${month}-13T00:00:00Z`, '4');
    await it.use('seats', 'b', `2026-${month}-14T00:00:00Z`, '7');
  }
  // In Kolkata already July, and so in no whole month.
  await it.use('calls', 'a', '2026-06-30T18:30:00Z', '1000');
  await it.use('calls', 'c', '2026-04-29T00:00:00Z', '40');
  await it.use('calls', 'c', '2026-04-30T00:00:00Z', '2');
});
afterAll(async () => {
  await server.close();
  await it.close();
  await database.close();
});

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown> & { readonly items?: Record<string, unknown>[] };
}
async function get(url: string, tenant = it.tenant): Promise<Answer> {
  const answer = await server.inject({ url, headers: { authorization: `Bearer ${tenant}` } });
  return { status: answer.statusCode, body: answer.json<Answer['body']>() };
}

test('a subscription is compared at its own terms, beside the version that new ones get', async () => {
  const { body } = await get('/v1/customers/acme/plan-fit?months=5');
  // calls beyond 100: 0, 10, 30, 30, 0; seats: the most of both subjects together is 7, 2 beyond 5, 4.00 each month
  const own = ['24.00', '34.00', '54.00', '54.00', '24.00'];
  expect(body['plans']).toMatchObject([
    { plan: 'own-months', total: '5.00' },
    // 190.00; twice: calls 80, 120, 160, 160, 100 beyond = 620 and 9 seats beyond 5 = 18.00 each month: 100 + 620 + 90 = 810
    { plan: 'team', planVersion: 1, isOffered: false, months: own, total: '190.00', average: '38.00', doubledTotal: '810.00' },
    { plan: 'team', planVersion: 2, isOffered: true, subscription: null, total: '340.00', doubledTotal: '960.00' },
  ]);
  expect(body['assessments']).toMatchObject([
    // exceeded in 3 of 5 months, seats in all 5
    { fits: 'too_small', allowance: { key: 'seats', monthsExceeded: 5 }, now: { plan: 'team', planVersion: 1, isCurrent: true } },
  ]);
  expect(body['assessments']).toMatchObject([{ uncovered: [{ plan: 'own-months', meters: ['calls', 'seats'] }] }]);
  expect(body['usage']).toMatchObject([
    { meter: 'calls', scaling: 'exact', months: ['90', '110', '130', '130', '100'], peakDay: { day: '2026-04-12' } },
    {
      meter: 'seats',
      scaling: 'assumed',
      peakMonth: { quantity: '7' },
      peakDay: { day: '2026-02-14', quantity: '7', percentOfMonth: null },
    },
  ]);
});

test('months are those of the customer’s zone, or of its subscription’s own anchor', async () => {
  const acme = (await get('/v1/customers/acme/plan-fit?months=3')).body;
  expect(acme['months']).toMatchObject([
    { from: '2026-03-31T18:30:00Z', firstDay: '2026-04-01', days: 30 },
    {},
    { to: '2026-06-30T18:30:00Z' },
  ]);
  const beta = (await get('/v1/customers/beta/plan-fit?months=4')).body;
  expect((beta['months'] as { firstDay: string }[]).map(({ firstDay }) => firstDay)).toEqual([
    '2026-03-31',
    '2026-04-30',
    '2026-05-31',
  ]);
  // 29 April lies in the month from 31 March on, 30 April in the next
  expect(beta['usage']).toMatchObject([{ meter: 'calls', months: ['40', '2', '0'] }, {}]);
});

test('plans that bill by another period are compared by their share of a period that goes on so, with its allowances and users', async () => {
  const own = await openRatingFixture(database, NOW);
  const { plans, customers } = catalogStores(database);
  const insert = (key: string, every: 'year' | 'quarter', rateCards: RateCard[]) => {
    const billingPeriod = { every, anchor: 'calendar' } as const;
    return plans.insert({ key, name: key, currency: 'USD', billingPeriod, rateCards }, Date.parse(NOW), own.tenant);
  };
  await own.meter('calls');
  await own.meter('seats', 'max');
  await own.plan('monthly', [fee('20.00'), card('calls', '1.00', '100'), card('seats', '2.00', '5')]);
  await insert('annual', 'year', [fee('200.00'), card('calls', '1.00', '1200'), card('seats', '20.00', '5')]);
  await insert('quarterly', 'quarter', [fee('57.00'), card('calls', '1.00', '300'), card('seats', '6.00', '5')]);
  await own.customer('acme', ['a']);
  await own.subscribe('acme', 'annual', '2026-01-01T00:00:00Z');
  for (const [month, calls] of Object.entries({ '02': '50', '03': '50', '04': '300', '05': '50', '06': '50' })) {
    await own.use('calls', 'a', `2026-${month}-12T00:00:00Z`, calls);
    await own.use('seats', 'a', `2026-${month}-13T00:00:00Z`, month === '04' ? '7' : '4');
  }
  const ports = { ...own.ports, plans, customers };
  const fit = await planFitOf(ports, 'acme', { months: 5, nowMs: Date.parse(NOW) }, own.tenant);
  // 500 calls in 5 months are 1,200 in a year, all of them included, and 7 seats at once stay 7: 200 + 2 * 20 = 240, 5 / 12 of it 100.
  // Twice: 2,400 calls and 14 seats, 200 + 1,200 + 9 * 20 = 1,580, 5 / 12 of it 658.33.
  // A quarter: 300 calls and 7 seats, 57 + 2 * 6 = 69, 5 / 3 of it 115; twice 57 + 300 + 9 * 6 = 411, 5 / 3 of it 685.
  // By the month: 5 * 20 + 200 of 300 in April + 2 * 2 = 304; twice 100 + 500 in April + 9 * 2 + 4 * 3 * 2 = 642
  expect(fit.plans).toMatchObject([
    { plan: 'annual', every: 'year', total: '100.00', average: '20.00', doubledTotal: '658.33' },
    { plan: 'quarterly', every: 'quarter', total: '115.00', doubledTotal: '685.00' },
    { plan: 'monthly', every: 'month', total: '304.00', doubledTotal: '642.00' },
  ]);
  const [annual] = fit.plans;
  expect(annual?.months).toEqual(['20.00', '20.00', '20.00', '20.00', '20.00']);
  expect(annual?.allowances).toMatchObject([
    { key: 'calls', included: '1200', averagePercent: '100', monthsExceeded: 1, size: 'right' },
    { key: 'seats', included: '5', averagePercent: '140', monthsExceeded: 1, size: 'too_small' },
  ]);
  expect(annual?.allowances[0]?.months.map(({ used, exceeded }) => [used, exceeded])).toEqual([
    ...[['50', false], ['50', false], ['300', true]],
    ...[['50', false], ['50', false]],
  ]); // prettier-ignore
  expect(fit.assessments).toMatchObject([
    { fits: 'too_small', now: { plan: 'annual', isCurrent: true }, doubled: { plan: 'monthly' } },
  ]);
  await own.close();
});

test('a plan whose meter is archived is not compared, and says so', async () => {
  expect((await get('/v1/customers/acme/plan-fit')).body['notCompared']).toEqual([
    { plan: 'fax', planVersion: 1, reason: 'meter_archived' },
  ]);
});

test('a customer without subjects has used nothing, and nobody else’s', async () => {
  const { body } = await get('/v1/customers/empty/plan-fit');
  expect(body).toMatchObject({ months: [], assessments: [{ fits: 'no_subscription', now: null }] });
});

test('usage is read once, for one customer as for all, whatever the number of plans', async () => {
  reads.length = 0;
  await get('/v1/customers/acme/plan-fit?months=3');
  // calls and seats, each by month and by day
  expect(reads).toEqual([2 + 2]);
  reads.length = 0;
  const { body } = await get('/v1/plan-fit?months=3');
  expect(reads).toHaveLength(1);
  expect(body.items?.map(({ customer, fits }) => `${String(customer)} ${String(fits)}`)).toEqual([
    'acme too_small',
    'beta no_allowance',
    'empty no_subscription',
  ]);
  const alone = await Promise.all(['acme', 'beta', 'empty'].map((key) => get(`/v1/customers/${key}/plan-fit?months=3`)));
  const told = alone.flatMap((one) => (one.body['assessments'] as { sentence: string }[]).map(({ sentence }) => sentence));
  expect(body.items?.map(({ sentence }) => sentence)).toEqual(told);
});

test('no tenant sees customers of another', async () => {
  expect(await get('/v1/customers/acme/plan-fit', 'other')).toMatchObject({ status: 404, body: { code: 'customer.unknown' } });
  expect((await get('/v1/plan-fit', 'other')).body).toEqual({ items: [], nextCursor: null });
});

test('fees count as often as the subscription has them, under its own plan and under those with the same cards', async () => {
  await changeNow(it, team, { kind: 'quantity', quantities: { base: '3' } });
  const { body } = await get('/v1/customers/acme/plan-fit?months=3');
  expect(body['plans']).toMatchObject([
    { plan: 'own-months', total: '9.00' }, // 3 * 1.00 a month
    { plan: 'team', planVersion: 1, total: '252.00' }, // 3 * 20.00 a month, and 30, 30, 0 calls and 3 * 4.00 of seats
    { plan: 'team', planVersion: 2, total: '522.00' }, // 3 * 50.00 a month and the same
  ]);
});
