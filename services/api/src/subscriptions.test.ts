import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, faultPaths, NOW, openTestApi, type TestApi } from './fixture.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
  const plan = { name: 'Plan', currency: 'USD', billingPeriod: { every: 'month', anchor: 'calendar' } };
  const rateCards = [{ key: 'base', name: 'Base', price: { model: 'flat', amount: '10.00' } }];
  for (const key of ['pro', 'team', 'closed']) await api.call('POST', '/v1/plans', { ...plan, key, rateCards });
  await api.call('POST', '/v1/plans', { ...plan, key: 'euro', currency: 'EUR', rateCards });
  await api.call('POST', '/v1/plans/closed/archive');
  await api.call('POST', '/v1/plans/team/versions', { rateCards });
  for (const key of ['acme', 'beta', 'gamma']) await customer(key, 'America/New_York');
});
afterAll(() => api.close());

const customer = (key: string, timezone: string) =>
  api.call('POST', '/v1/customers', { key, name: key, currency: 'USD', timezone, subjects: [key] });
const subscribe = (body: object): Promise<Answer> => api.call('POST', '/v1/subscriptions', body);
const end = (answer: Answer, body?: object): Promise<Answer> =>
  api.call('POST', `/v1/subscriptions/${String(answer.body['id'])}/end`, body);

async function takeWakeups(): Promise<unknown> {
  const rows = await api.database.query<{ customers: string[] }>('delete from rating_wakeup returning customers');
  return rows.flatMap(({ customers }) => customers);
}

test('a subscription begins now with the latest version of its plan, and wakes rating', async () => {
  await takeWakeups();
  const created = await subscribe({ customer: 'acme', plan: 'team' });
  expect(created).toMatchObject({
    status: 201,
    body: { customer: 'acme', plan: 'team', planVersion: 2, startsAt: NOW, endsAt: null, createdAt: NOW },
  });
  expect(created.body['id']).toMatch(/^sub_[0-9a-z]{26}$/);
  const read = await api.call('GET', `/v1/subscriptions/${String(created.body['id'])}`);
  expect(read.body).toEqual({ ...created.body, negotiatedPrices: [] });
  expect(await takeWakeups()).toEqual(['acme']);
});

test('a list can be narrowed to a customer and a plan', async () => {
  await subscribe({ customer: 'acme', plan: 'pro' });
  await subscribe({ customer: 'beta', plan: 'pro' });
  const plansOf = async (query: string) => {
    const { body } = await api.call('GET', `/v1/subscriptions${query}`);
    return (body['items'] as Record<string, string>[]).map((item) => `${item['customer']}/${item['plan']}`).toSorted();
  };
  expect(await plansOf('?customer=acme')).toEqual(['acme/pro', 'acme/team']);
  expect(await plansOf('?plan=pro')).toEqual(['acme/pro', 'beta/pro']);
  expect(await plansOf('?plan=pro&customer=beta')).toEqual(['beta/pro']);
});

test.each([
  ['an unknown customer', { customer: 'nope', plan: 'pro' }, 400, 'customer.unknown', ['customer']],
  ['an unknown plan', { customer: 'acme', plan: 'nope' }, 400, 'plan.unknown', ['plan']],
  ['both unknown', { customer: 'nope', plan: 'nope' }, 400, 'customer.unknown', ['customer', 'plan']],
  ['another currency', { customer: 'acme', plan: 'euro' }, 400, 'subscription.currency_mismatch', ['plan']],
  ['an archived plan', { customer: 'acme', plan: 'closed' }, 409, 'plan.archived', ['plan']],
  ['a start that is no instant', { customer: 'acme', plan: 'pro', startsAt: '2026-01-01' }, 400, 'request.invalid', ['startsAt']],
  ['an unknown field', { customer: 'acme', plan: 'pro', seats: 3 }, 400, 'request.invalid', ['seats']],
  [
    'the plan it has already',
    { customer: 'acme', plan: 'pro', startsAt: '2027-01-01T00:00:00Z' },
    409,
    'subscription.overlaps',
    ['startsAt'],
  ],
])('a subscription with %s is refused, naming the field', async (_name, body, status, code, paths) => {
  const answer = await subscribe(body);
  expect(answer).toMatchObject({ status, body: { code } });
  expect(faultPaths(answer)).toEqual(paths);
});

test('two requests at once subscribe a customer once', async () => {
  await customer('rush', 'UTC');
  const answers = await Promise.all([1, 2, 3].map(() => subscribe({ customer: 'rush', plan: 'pro' })));
  expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409, 409]);
});

test('a plan can be taken again from the local day after the last billed one', async () => {
  const first = await subscribe({ customer: 'gamma', plan: 'pro', startsAt: '2026-01-01T05:00:00Z' });
  await takeWakeups();
  // 23:30 on 9 March in New York: that day is still billed.
  expect((await end(first, { at: '2026-03-10T03:30:00Z' })).body).toMatchObject({ endsAt: '2026-03-10T03:30:00Z' });
  expect(await takeWakeups()).toEqual(['gamma']);
  expect(await subscribe({ customer: 'gamma', plan: 'pro', startsAt: '2026-03-10T03:59:59Z' })).toMatchObject({ status: 409 });
  expect(await subscribe({ customer: 'gamma', plan: 'pro', startsAt: '2026-03-10T04:00:00Z' })).toMatchObject({ status: 201 });
});

test('an end can be moved until it has come', async () => {
  await customer('mover', 'UTC');
  const subscription = await subscribe({ customer: 'mover', plan: 'pro' });
  expect((await end(subscription, { at: '2026-06-01T00:00:00Z' })).status).toBe(200);
  expect((await end(subscription, { at: '2026-05-01T00:00:00Z' })).body).toMatchObject({ endsAt: '2026-05-01T00:00:00Z' });
  expect((await end(subscription)).body).toMatchObject({ endsAt: NOW });
  expect(await end(subscription)).toMatchObject({ status: 409, body: { code: 'subscription.ended' } });
});

test('a subscription cannot end before it started, but one to come can be called off', async () => {
  await customer('early', 'UTC');
  const running = await subscribe({ customer: 'early', plan: 'pro' });
  expect(await end(running, { at: '2026-03-14T00:00:00Z' })).toMatchObject({
    status: 400,
    body: { code: 'subscription.end_before_start', errors: [{ path: 'at' }] },
  });
  const coming = await subscribe({ customer: 'early', plan: 'team', startsAt: '2026-09-01T00:00:00Z' });
  expect((await end(coming)).body).toMatchObject({ endsAt: NOW });
  expect((await subscribe({ customer: 'early', plan: 'team' })).status).toBe(201);
});

test('a subscription cannot end within what was invoiced', async () => {
  await customer('billed', 'UTC');
  const subscription = await subscribe({ customer: 'billed', plan: 'pro', startsAt: '2026-01-01T00:00:00Z' });
  await api.database.query(
    `insert into invoice (id, tenant, number, customer, subscription, period_from, period_to, currency, total, document, issued_at)
     values ('inv_1', 'one', '1', 'billed', $1, '2026-02-01T00:00:00Z', '2026-03-01T00:00:00Z', 'USD', 10, '{}', now())`,
    [String(subscription.body['id'])],
  );
  expect(await end(subscription, { at: '2026-02-27T23:59:59Z' })).toMatchObject({
    status: 409,
    body: { code: 'subscription.invoiced', errors: [{ path: 'at' }] },
  });
  // The last invoiced day is billed whole in any case.
  expect((await end(subscription, { at: '2026-02-28T00:00:00Z' })).status).toBe(200);
});

test('the zone of a subscribed customer stays, or its periods would be billed twice', async () => {
  expect(await api.call('PATCH', '/v1/customers/acme', { timezone: 'UTC' })).toMatchObject({
    status: 409,
    body: { code: 'customer.timezone_in_use', errors: [{ path: 'timezone' }] },
  });
  expect((await api.call('PATCH', '/v1/customers/acme', { timezone: 'America/New_York' })).status).toBe(200);
});

test('an unknown subscription is not found', async () => {
  expect(await api.call('GET', '/v1/subscriptions/sub_x')).toMatchObject({ status: 404, body: { code: 'subscription.unknown' } });
  expect(await api.call('POST', '/v1/subscriptions/sub_x/end')).toMatchObject({
    status: 404,
    body: { code: 'subscription.unknown' },
  });
});
