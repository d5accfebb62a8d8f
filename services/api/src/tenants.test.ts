import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestApi, type TestApi } from './fixture.ts';

let api: TestApi;
let subscription: string;
let apiKey: string;

const billingPeriod = { every: 'month', anchor: 'calendar' };
const rateCards = [{ key: 'calls', name: 'Calls', meter: 'calls', price: { model: 'per_unit', unitAmount: '1' } }];

beforeAll(async () => {
  api = await openTestApi();
  await api.call('POST', '/v1/meters', { key: 'calls', eventType: 'call', aggregation: 'count' });
  await api.call('POST', '/v1/customers', { key: 'acme', name: 'Acme', currency: 'USD', subjects: ['s1'] });
  await api.call('POST', '/v1/plans', { key: 'pro', name: 'Pro', currency: 'USD', billingPeriod, rateCards });
  subscription = String((await api.call('POST', '/v1/subscriptions', { customer: 'acme', plan: 'pro' })).body['id']);
  await api.call('POST', '/v1/sandboxes', { key: 'try', name: 'Try' });
  apiKey = String((await api.call('POST', '/v1/api-keys', { name: 'mine', scopes: ['read'] })).body['id']);
  await api.call('POST', '/v1/meters/calls/backfill');
});
afterAll(() => api.close());

/** Every table of the billing store that has a tenant. */
async function rowsOf(tenant: string): Promise<Record<string, unknown>> {
  const tables = await api.database.query<{ name: string }>(
    `select table_name as name from information_schema.columns
     where column_name = 'tenant' and table_schema = 'public' and table_name <> 'idempotency_key' order by 1`,
  );
  const rows: Record<string, unknown> = {};
  for (const { name } of tables) {
    rows[name] = await api.database.query(`select t::text as row from "${name}" t where tenant = $1 order by 1`, [tenant]);
  }
  return rows;
}

/** What the routes need besides the path. */
const bodies: Record<string, object> = {
  'PATCH /v1/customers/{key}': { name: 'Taken over', subjects: [] },
  'POST /v1/plans/{key}/versions/{version}/price-changes': {
    rateCard: 'calls',
    validFrom: '2026-04-01T00:00:00Z',
    price: { model: 'per_unit', unitAmount: '2' },
  },
  'POST /v1/customers/{key}/negotiated-prices': { plan: 'pro', rateCard: 'calls', price: { model: 'per_unit', unitAmount: '2' } },
  'PUT /v1/plans/{key}/versions/{version}': { rateCards: [{ key: 'base', name: 'Base', price: { model: 'flat', amount: '1' } }] },
  'POST /v1/plans/{key}/versions': { rateCards: [{ key: 'base', name: 'Base', price: { model: 'flat', amount: '1' } }] },
};

test('no route shows or changes what belongs to another tenant', async () => {
  const { paths } = (await api.server.inject({ url: '/openapi.json' })).json<{
    paths: Record<string, Record<string, unknown>>;
  }>();
  const before = await rowsOf('one');
  const asked: string[] = [];
  for (const [path, methods] of Object.entries(paths)) {
    if (!path.includes('{')) continue;
    const known = {
      meters: 'calls',
      customers: 'acme',
      plans: 'pro',
      subscriptions: subscription,
      'api-keys': apiKey,
      sandboxes: 'try',
    };
    const resource = path.split('/')[2] as keyof typeof known;
    const url = path.replace(/\{\w+\}/, known[resource]).replace(/\{(version|revision)\}/, '1');
    for (const method of Object.keys(methods)) {
      const name = `${method.toUpperCase()} ${path}`;
      const answer = await api.call(method.toUpperCase() as 'GET', url, bodies[name], 'two');
      expect(answer.status, name).toBe(404);
      expect(answer.body['code'], name).toMatch(/\.(unknown|backfill_unknown)$/);
      asked.push(name);
    }
  }
  expect(asked.length).toBeGreaterThanOrEqual(15);
  expect(api.queries).toEqual([]);
  expect(await rowsOf('one')).toEqual(before);
});

test('the lists of a tenant hold nothing of another', async () => {
  for (const list of ['meters', 'customers', 'plans', 'subscriptions', 'api-keys', 'sandboxes']) {
    expect((await api.call('GET', `/v1/${list}`)).body['items'], list).toHaveLength(1);
    expect((await api.call('GET', `/v1/${list}`, undefined, 'two')).body['items'], list).toEqual([]);
  }
  expect((await api.call('GET', '/v1/subscriptions?customer=acme&plan=pro', undefined, 'two')).body['items']).toEqual([]);
});

test('what one tenant names cannot be used by another, and keys and subjects are taken per tenant', async () => {
  const before = await rowsOf('one');
  const as = 'two';
  const plan = { key: 'pro', name: 'Pro', currency: 'USD', billingPeriod, rateCards };
  expect(await api.call('POST', '/v1/plans', plan, as)).toMatchObject({ status: 400, body: { code: 'plan.rate_card_invalid' } });
  expect(await api.call('POST', '/v1/subscriptions', { customer: 'acme', plan: 'pro' }, as)).toMatchObject({
    status: 400,
    body: { errors: [{ path: 'customer' }, { path: 'plan' }] },
  });
  expect((await api.call('POST', '/v1/meters', { key: 'calls', eventType: 'x', aggregation: 'count' }, as)).status).toBe(201);
  expect((await api.call('GET', '/v1/meters/calls/usage?customer=acme', undefined, as)).status).toBe(404);
  expect(
    (await api.call('POST', '/v1/customers', { key: 'acme', name: 'A', currency: 'EUR', subjects: ['s1'] }, as)).status,
  ).toBe(201);
  expect((await api.call('POST', '/v1/plans', { ...plan, currency: 'EUR' }, as)).status).toBe(201);
  expect((await api.call('POST', '/v1/subscriptions', { customer: 'acme', plan: 'pro' }, as)).status).toBe(201);
  await api.call('GET', '/v1/meters/calls/usage?customer=acme', undefined, as);
  expect(api.queries).toMatchObject([{ meter: { tenant: 'two' }, subjects: ['s1'] }]);
  for (const [url, body] of [
    ['/v1/meters/calls/archive', undefined],
    ['/v1/plans/pro/versions', { rateCards }],
    ['/v1/plans/pro/archive', undefined],
  ] as const) {
    expect((await api.call('POST', url, body, as)).status).toBeLessThan(500);
  }
  await api.call('PATCH', '/v1/customers/acme', { name: 'Other', subjects: [] }, as);
  expect(await rowsOf('one')).toEqual(before);
});
