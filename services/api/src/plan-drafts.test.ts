import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { faultPaths, NOW, openTestApi, type TestApi } from './fixture.ts';

let api: TestApi;
let plans = 0;
let plan: string;
beforeAll(async () => {
  api = await openTestApi();
  await api.call('POST', '/v1/meters', { key: 'calls', eventType: 'call', aggregation: 'count' });
  await api.call('POST', '/v1/customers', { key: 'acme', name: 'Acme', currency: 'USD', subjects: [] });
});
afterAll(() => api.close());
beforeEach(() => {
  plan = `plan-${(plans += 1)}`;
});

const fee = (amount: string) => [{ key: 'fee', name: 'Fee', price: { model: 'flat', amount } }];
const create = (amount: string, draft = false) =>
  api.call('POST', '/v1/plans', {
    ...{ key: plan, name: 'Pro', currency: 'USD', billingPeriod: { every: 'month', anchor: 'calendar' }, rateCards: fee(amount) },
    ...(draft && { draft }),
  });
const add = (amount: string, draft = false) => api.call('POST', `/v1/plans/${plan}/versions`, { rateCards: fee(amount), ...(draft && { draft }) }); // prettier-ignore
const put = (version: number, body: object) => api.call('PUT', `/v1/plans/${plan}/versions/${version}`, body);
const act = (version: number, action: 'publish' | 'archive') =>
  api.call('POST', `/v1/plans/${plan}/versions/${version}/${action}`);
const read = async () => (await api.call('GET', `/v1/plans/${plan}`)).body;
const subscribe = () => api.call('POST', '/v1/subscriptions', { customer: 'acme', plan });

describe('a draft of a new version', () => {
  test('changes as often as one likes, while new subscriptions get the published one, and then gets them', async () => {
    await create('1.00');
    expect(await add('2.00', true)).toMatchObject({ status: 201, body: { version: 2, draft: true, rateCards: fee('2.00') } });
    expect(await read()).toMatchObject({ version: 1, draft: false });
    const commitment = { minimumSpend: '5.00', every: 'period', trueUp: 'period_end' };
    expect(await put(2, { rateCards: fee('3.00'), commitment })).toMatchObject({
      status: 200,
      body: { version: 2, draft: true },
    });
    const changeRules = { changeFee: '5.00' };
    const invoiceThresholds = { steps: ['100.00'], thenEvery: '50.00' };
    expect(await put(2, { rateCards: fee('4.00'), unusedTime: 'refund', changeRules, invoiceThresholds })).toMatchObject({
      body: { rateCards: fee('4.00'), commitment: null, unusedTime: 'refund', changeRules, invoiceThresholds },
    });
    expect((await subscribe()).body).toMatchObject({ planVersion: 1 });
    expect(await act(2, 'publish')).toMatchObject({ status: 200, body: { version: 2, draft: false, rateCards: fee('4.00') } });
    expect(await read()).toMatchObject({ version: 2, draft: false, rateCards: fee('4.00') });
    expect((await api.call('GET', `/v1/plans/${plan}/versions/2`)).body).toEqual({
      ...{
        plan,
        version: 2,
        rateCards: fee('4.00'),
        commitment: null,
        unusedTime: 'refund',
        features: [],
        phases: [],
        changeRules,
        invoiceThresholds,
      },
      ...{ draft: false, createdAt: NOW, archivedAt: null },
    });
  });

  test('never changes once it is published', async () => {
    await create('1.00');
    await add('2.00', true);
    await act(2, 'publish');
    for (const version of [1, 2]) {
      expect(await put(version, { rateCards: fee('9.00') })).toMatchObject({
        status: 409,
        body: { code: 'plan_version.published' },
      });
      expect(await act(version, 'publish')).toMatchObject({ status: 409, body: { code: 'plan_version.published' } });
    }
    expect((await read())['rateCards']).toEqual(fee('2.00'));
    const update = `update plan_version set rate_cards = '[]' where plan = $1 and version = 2 and tenant = 'one'`;
    await expect(api.database.query(update, [plan])).rejects.toMatchObject({ message: expect.stringContaining('never changes') });
  });

  test('comes before any other version, and can be discarded to make way', async () => {
    await create('1.00');
    await add('2.00', true);
    for (const draft of [true, false])
      expect(await add('3.00', draft)).toMatchObject({ status: 409, body: { code: 'plan.draft_exists' } });
    expect(await act(2, 'archive')).toMatchObject({ status: 200, body: { version: 2, draft: true, archivedAt: NOW } });
    expect(await put(2, { rateCards: fee('9.00') })).toMatchObject({ status: 409, body: { code: 'plan_version.archived' } });
    expect(await act(2, 'publish')).toMatchObject({ status: 409, body: { code: 'plan_version.archived' } });
    expect((await add('3.00')).body).toMatchObject({ version: 3, draft: false });
  });

  test('is held to the same rules as a version, also when it is published', async () => {
    await create('1.00');
    await add('2.00', true);
    const counted = { key: 'calls', name: 'Calls', meter: 'calls', price: { model: 'per_unit', unitAmount: '1' } };
    expect(faultPaths(await put(2, { rateCards: [{ ...counted, meter: 'none' }] }))).toEqual(['rateCards[0].meter']);
    expect(faultPaths(await put(2, { rateCards: fee('1.00'), features: [{ feature: 'none', entitlement: { type: 'boolean' } }] }))).toEqual(['features[0].feature']); // prettier-ignore
    expect((await put(2, { rateCards: fee('1.00'), draft: false })).status).toBe(400);
    await api.call('POST', '/v1/meters', { key: 'fading', eventType: 'f', aggregation: 'count' });
    expect((await put(2, { rateCards: [{ ...counted, meter: 'fading' }] })).status).toBe(200);
    await api.call('POST', '/v1/meters/fading/archive');
    expect(faultPaths(await act(2, 'publish'))).toEqual(['rateCards[0].meter']);
    const change = { rateCard: 'calls', validFrom: '2026-04-01T00:00:00Z', price: counted.price };
    expect(await api.call('POST', `/v1/plans/${plan}/versions/2/price-changes`, change)).toMatchObject({
      status: 409,
      body: { code: 'plan_version.draft' },
    });
  });
});

describe('a plan that is a draft', () => {
  test('takes no subscriptions until it is published', async () => {
    expect(await create('1.00', true)).toMatchObject({ status: 201, body: { version: 1, draft: true } });
    expect(await subscribe()).toMatchObject({ status: 409, body: { code: 'plan.draft', errors: [{ path: 'plan' }] } });
    await put(1, { rateCards: fee('2.00') });
    await act(1, 'publish');
    expect((await subscribe()).body).toMatchObject({ planVersion: 1 });
  });

  test('is archived as a plan: its only version cannot be, and cannot be published then', async () => {
    await create('1.00', true);
    expect(await act(1, 'archive')).toMatchObject({ status: 409, body: { code: 'plan_version.last' } });
    await api.call('POST', `/v1/plans/${plan}/archive`);
    expect(await act(1, 'publish')).toMatchObject({ status: 409, body: { code: 'plan.archived' } });
  });
});

test('archiving a version leaves its subscriptions alone; new ones get the newest that is left, as long as there is one', async () => {
  await create('1.00');
  await add('2.00');
  await add('3.00');
  const before = (await subscribe()).body;
  expect(before).toMatchObject({ planVersion: 3 });
  expect(await act(3, 'archive')).toMatchObject({ status: 200, body: { version: 3, archivedAt: NOW } });
  expect(await act(3, 'archive')).toMatchObject({ status: 200, body: { version: 3, archivedAt: NOW } });
  expect(await read()).toMatchObject({ version: 2, archivedAt: null });
  expect((await api.call('GET', `/v1/subscriptions/${String(before['id'])}`)).body).toEqual({ ...before, negotiatedPrices: [] });
  await api.call('POST', '/v1/subscriptions', { customer: 'acme', plan }).then(({ status }) => expect(status).toBe(409));
  await api.call('POST', '/v1/customers', { key: `of-${plan}`, name: 'Other', currency: 'USD', subjects: [] });
  const { body } = await api.call('POST', '/v1/subscriptions', { customer: `of-${plan}`, plan });
  expect(body).toMatchObject({ planVersion: 2 });
  await act(1, 'archive');
  expect((await read())['version']).toBe(2);
  expect(await act(2, 'archive')).toMatchObject({ status: 409, body: { code: 'plan_version.last' } });
  expect((await add('4.00')).body).toMatchObject({ version: 4 });
});

test('a version that does not exist, also for another tenant, is not found', async () => {
  await create('1.00');
  for (const answer of [await put(7, { rateCards: fee('1.00') }), await act(7, 'publish'), await act(7, 'archive')])
    expect(answer).toMatchObject({ status: 404, body: { code: 'plan_version.unknown' } });
  expect((await api.call('GET', `/v1/plans/${plan}/versions/1`, undefined, 'two')).status).toBe(404);
});

test('of a draft that is changed and published by many at once exactly one publishes, with what the last change before it said', async () => {
  await create('1.00');
  await add('2.00', true);
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, index) => (index % 3 === 2 ? act(2, 'publish') : put(2, { rateCards: fee(`${index}.50`) }))),
  );
  const published = answers.filter(({ status, body }) => status === 200 && body['draft'] === false);
  expect(published).toHaveLength(1);
  expect(published[0]?.body).toEqual(await read());
  for (const { status, body } of answers) if (status !== 200) expect(body['code']).toBe('plan_version.published');
});
