import { afterAll, beforeAll, expect, test } from 'vitest';
import { faultPaths, NOW, openTestApi, type TestApi } from './fixture.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
  await api.call('POST', '/v1/meters', { key: 'calls', eventType: 'call', aggregation: 'count', dimensions: { model: '$.m' } });
  await api.call('POST', '/v1/meters', { key: 'old', eventType: 'call', aggregation: 'count' });
  await api.call('POST', '/v1/meters/old/archive');
  const fold = { window: 'day', take: 'max' };
  await api.call('POST', '/v1/meters', {
    key: 'peak',
    eventType: 'call',
    aggregation: 'count',
    dimensions: { model: '$.m' },
    fold,
  });
});
afterAll(() => api.close());

const base = { key: 'base', name: 'Base fee', price: { model: 'flat', amount: '49.00' } };
const calls = {
  key: 'calls',
  name: 'Calls',
  meter: 'calls',
  filter: { model: ['m1'] },
  price: { model: 'per_unit', unitAmount: '0.002' },
};
const pro = {
  key: 'pro',
  name: 'Pro',
  currency: 'USD',
  billingPeriod: { every: 'month', anchor: 'calendar' },
  rateCards: [base, calls],
};

test('a plan is created at version 1 with its rate cards as they were given', async () => {
  const created = await api.call('POST', '/v1/plans', pro);
  expect(created).toEqual({
    status: 201,
    body: {
      ...{
        ...pro,
        version: 1,
        commitment: null,
        unusedTime: 'credit',
        changeRules: null,
        features: [],
        phases: [],
        invoiceThresholds: null,
      },
      ...{ draft: false, createdAt: NOW, archivedAt: null },
    },
  });
  expect((await api.call('GET', '/v1/plans/pro', undefined, 'reader')).body).toEqual(created.body);
  expect((await api.call('GET', '/v1/plans')).body).toEqual({ items: [created.body], nextCursor: null });
});

test('new rate cards make a new version; the old one stays as it was', async () => {
  const cheaper = [{ ...calls, price: { model: 'per_unit', unitAmount: '0.001' } }];
  expect(await api.call('POST', '/v1/plans/pro/versions', { rateCards: cheaper })).toMatchObject({
    status: 201,
    body: { key: 'pro', version: 2, rateCards: cheaper },
  });
  const { body } = await api.call('GET', '/v1/plans/pro/versions?limit=1');
  const terms = {
    rateCards: pro.rateCards,
    commitment: null,
    unusedTime: 'credit',
    changeRules: null,
    features: [],
    phases: [],
    invoiceThresholds: null,
  };
  expect(body['items']).toEqual([{ plan: 'pro', version: 1, ...terms, draft: false, createdAt: NOW, archivedAt: null }]);
  const next = await api.call('GET', `/v1/plans/pro/versions?limit=1&cursor=${String(body['nextCursor'])}`);
  expect(next.body).toMatchObject({ items: [{ version: 2, rateCards: cheaper }], nextCursor: null });
});

test('versions added at the same time get numbers of their own', async () => {
  const add = () => api.call('POST', '/v1/plans/pro/versions', { rateCards: [base] });
  const answers = await Promise.all([add(), add(), add()]);
  expect(answers.map(({ body }) => body['version']).toSorted()).toEqual([3, 4, 5]);
});

test('invoice thresholds are refused with their field and rule', async () => {
  const add = (invoiceThresholds: object) => api.call('POST', '/v1/plans/pro/versions', { rateCards: [base], invoiceThresholds });
  expect(await add({ steps: ['100', '50'] })).toMatchObject({
    status: 400,
    body: { errors: [{ path: 'invoiceThresholds.steps[1]', message: 'a step must be above the one before it, 100' }] },
  });
  expect(await add({ steps: ['100.005'] })).toMatchObject({
    status: 400,
    body: {
      code: 'plan.invoice_thresholds_invalid',
      errors: [
        { path: 'invoiceThresholds.steps[0]', message: 'must have at most 2 digits behind the point in USD, not 100.005' },
      ],
    },
  });
});

test('a list of versions refuses the cursor of another list', async () => {
  const cursor = Buffer.from('["a"]').toString('base64url');
  expect(await api.call('GET', `/v1/plans/pro/versions?cursor=${cursor}`)).toMatchObject({
    status: 400,
    body: { code: 'page.invalid_cursor', errors: [{ path: 'cursor' }] },
  });
});

const ok = { ...pro, key: 'ok' };
const seat = { model: 'per_seat', seatAmount: '10.00' };

test.each([
  ['no rate cards', { ...ok, rateCards: [] }, 'rateCards'],
  ['a currency that is none', { ...ok, currency: 'usd' }, 'currency'],
  ['an unknown period', { ...ok, billingPeriod: { every: 'day', anchor: 'calendar' } }, 'billingPeriod.every'],
  ['an unknown price model', { ...ok, rateCards: [{ ...base, price: { model: 'magic' } }] }, 'rateCards[0].price.model'],
  [
    'a number for an amount',
    { ...ok, rateCards: [{ ...base, price: { model: 'flat', amount: 49 } }] },
    'rateCards[0].price.amount',
  ],
  ['an unknown field in a rate card', { ...ok, rateCards: [{ ...base, unit: 'x' }] }, 'rateCards[0].unit'],
  ['two rate cards with one key', { ...ok, rateCards: [base, { ...calls, key: 'base' }] }, 'rateCards[1].key'],
  [
    'a usage price without a meter',
    { ...ok, rateCards: [base, { ...base, key: 'b', price: calls.price }] },
    'rateCards[1].meter',
  ],
  ['a meter that is not there', { ...ok, rateCards: [base, { ...calls, meter: 'nope' }] }, 'rateCards[1].meter'],
  ['an archived meter', { ...ok, rateCards: [base, { ...calls, meter: 'old' }] }, 'rateCards[1].meter'],
  [
    'a matrix on no dimension',
    {
      ...ok,
      rateCards: [
        { ...calls, price: { model: 'matrix', dimensions: ['hue'], cells: [{ match: { hue: 'red' }, price: calls.price }] } },
      ],
    },
    'rateCards[0].price',
  ],
  [
    'a fee by event on folded windows',
    { ...ok, rateCards: [{ ...calls, meter: 'peak', price: { model: 'percentage', rate: '1', minimumPerEvent: '0.5' } }] },
    'rateCards[0].meter',
  ],
  [
    'units carried over up to nothing in particular',
    { ...ok, rateCards: [{ ...calls, modifiers: { allowance: { units: '10', carryOver: {} } } }] },
    'rateCards[0].modifiers.allowance.carryOver.maximumUnits',
  ],
  ['seats that its meter does not know', { ...ok, rateCards: [{ ...calls, price: seat }] }, 'rateCards[0].meter'],
  ['seats beyond an allowance', { ...ok, rateCards: [{ ...calls, modifiers: { allowance: { units: '5', overagePrice: seat } } }] }, 'rateCards[0].modifiers.allowance.overagePrice'], // prettier-ignore
  [
    'seats by dimension',
    { ...ok, rateCards: [{ ...calls, price: { model: 'matrix', dimensions: ['model'], cells: [{ match: {}, price: seat }] } }] },
    'rateCards[0].price.cells[0].price',
  ],
  ['a filter on no dimension', { ...ok, rateCards: [{ ...calls, filter: { region: 'eu' } }] }, 'rateCards[0].filter.region'],
])('a plan with %s is refused, naming the field', async (_name, body, path) => {
  const answer = await api.call('POST', '/v1/plans', body);
  expect(answer.status).toBe(400);
  expect(faultPaths(answer)).toEqual([path]);
  expect((await api.call('GET', '/v1/plans/ok')).status).toBe(404);
});

test('a plan may carry over what its allowances leave', async () => {
  const modifiers = { allowance: { units: '10', carryOver: { maximumUnits: null } } };
  const answer = await api.call('POST', '/v1/plans', { ...pro, key: 'carrying', rateCards: [{ ...calls, modifiers }] });
  expect(answer).toMatchObject({ status: 201, body: { rateCards: [{ modifiers }] } });
});

test('a version with a meter that is not there is refused like a plan', async () => {
  const answer = await api.call('POST', '/v1/plans/pro/versions', { rateCards: [{ ...calls, meter: 'nope' }] });
  expect(answer).toMatchObject({
    status: 400,
    body: { code: 'plan.rate_card_invalid', errors: [{ path: 'rateCards[0].meter' }] },
  });
});

test('a taken key and an unknown plan say so', async () => {
  expect(await api.call('POST', '/v1/plans', pro)).toMatchObject({
    status: 409,
    body: { code: 'plan.key_taken', errors: [{ path: 'key' }] },
  });
  for (const [method, url, body] of [
    ['GET', '/v1/plans/nope', undefined],
    ['GET', '/v1/plans/nope/versions', undefined],
    ['POST', '/v1/plans/nope/versions', { rateCards: [base] }],
    ['POST', '/v1/plans/nope/archive', undefined],
  ] as const) {
    expect(await api.call(method, url, body)).toMatchObject({ status: 404, body: { code: 'plan.unknown' } });
  }
});

test('an archived plan takes no new versions', async () => {
  await api.call('POST', '/v1/plans', { ...pro, key: 'closed' });
  const archived = await api.call('POST', '/v1/plans/closed/archive');
  expect(archived).toMatchObject({ status: 200, body: { archivedAt: NOW } });
  expect(await api.call('POST', '/v1/plans/closed/archive')).toEqual(archived);
  expect(await api.call('POST', '/v1/plans/closed/versions', { rateCards: [base] })).toMatchObject({
    status: 409,
    body: { code: 'plan.archived' },
  });
});
