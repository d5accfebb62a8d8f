import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NOW, openTestApi, type TestApi } from './fixture.ts';

const PRICES = '/v1/customers/acme/negotiated-prices';
const perUnit = (unitAmount: string) => ({ model: 'per_unit', unitAmount });
const agreement = { plan: 'rtc', rateCard: 'hd', validFrom: '2026-05-01T00:00:00Z', price: perUnit('0.012') };

let api: TestApi;
let subscription: string;
beforeAll(async () => {
  api = await openTestApi();
  await api.call('POST', '/v1/meters', { key: 'minutes', eventType: 'call', aggregation: 'count' });
  await api.call('POST', '/v1/meters', { key: 'rooms', eventType: 'room', aggregation: 'count' });
  const card = { key: 'hd', name: 'HD', meter: 'minutes', price: perUnit('0.016'), modifiers: { freeUnits: '100' } };
  const rateCards = [{ key: 'base', name: 'Base', price: { model: 'flat', amount: '10.00' } }, card];
  const billingPeriod = { every: 'month', anchor: 'calendar' };
  await api.call('POST', '/v1/plans', { key: 'rtc', name: 'RTC', currency: 'USD', billingPeriod, rateCards });
  await api.call('POST', '/v1/customers', { key: 'acme', name: 'Acme', currency: 'USD', subjects: ['a'] });
  await api.call('POST', '/v1/customers', { key: 'beta', name: 'Beta', currency: 'USD', subjects: [] });
  subscription = String((await api.call('POST', '/v1/subscriptions', { customer: 'acme', plan: 'rtc' })).body['id']);
});
afterAll(() => api.close());

const listed = async (query = '') =>
  (await api.call('GET', `${PRICES}${query}`)).body as { items: unknown[]; nextCursor: string | null };

test('what is agreed on is shown as entered, with its end, by the subscription and by the prices of the plan version', async () => {
  const body = { ...agreement, modifiers: { freeUnits: null, percentOff: '5' }, note: 'since they moved' };
  const first = await api.call('POST', PRICES, body);
  expect(first).toMatchObject({
    status: 201,
    body: { ...body, revision: 1, meter: 'minutes', validUntil: null, end: null, knownSince: NOW },
  });
  const ended = await api.call('POST', `${PRICES}/1/end`, { at: '2026-06-01T00:00:00Z' });
  const end = { revision: 2, at: '2026-06-01T00:00:00Z', knownSince: NOW };
  expect(ended).toMatchObject({ status: 200, body: { ...first.body, end } });
  const price = { price: perUnit('0.012'), modifiers: { percentOff: '5' } };
  const held = { rateCard: 'hd', validFrom: '2026-05-01T00:00:00Z', ...price };
  const read = await api.call('GET', `/v1/subscriptions/${subscription}`);
  expect(read.body['negotiatedPrices']).toEqual([{ ...held, revision: 1, validUntil: '2026-06-01T00:00:00Z' }]);
  const prices = await api.call('GET', '/v1/plans/rtc/versions/1/prices?at=2026-05-10T00:00:00Z&customer=acme');
  const { body: before } = await api.call('GET', '/v1/plans/rtc/versions/1/prices?at=2026-05-10T00:00:00Z&customer=beta');
  expect(prices.body['items']).toMatchObject([
    { rateCard: 'base', negotiated: null },
    { ...held, negotiated: 1, revision: 0 },
  ]);
  expect(before['items']).toMatchObject([{ rateCard: 'base' }, { rateCard: 'hd', negotiated: null, price: perUnit('0.016') }]);
  expect(await api.call('GET', '/v1/plans/rtc/versions/1/prices?customer=nobody')).toMatchObject({
    status: 404,
    body: { code: 'customer.unknown' },
  });
  expect((await listed()).items).toEqual([ended.body]);
  expect((await listed('?asKnownOn=2026-01-01T00:00:00Z')).items).toEqual([]);
  await api.call('POST', PRICES, { ...agreement, validFrom: '2026-07-01T00:00:00Z' });
  const page = await listed('?limit=1');
  expect(page.items).toMatchObject([{ revision: 1 }]);
  expect(await listed(`?limit=1&cursor=${page.nextCursor}`)).toMatchObject({ items: [{ revision: 3 }], nextCursor: null });
});

test('without instants it holds from the minute of now on, and ends then', async () => {
  const minute = `${NOW.slice(0, 16)}:00Z`;
  const { plan, rateCard, price } = agreement;
  const entered = await api.call('POST', PRICES, { plan, rateCard, price });
  expect(entered.body).toMatchObject({ validFrom: minute, validUntil: null });
  const ended = await api.call('POST', `${PRICES}/${String(entered.body['revision'])}/end`);
  expect(ended.body).toMatchObject({ end: { at: minute } });
});

test('a percentage off everything is shown as entered, and in the prices of every card without one of its own', async () => {
  const body = { percentOff: '20', validFrom: '2027-01-01T00:00:00Z' };
  const entered = await api.call('POST', PRICES, body);
  const about = { plan: null, rateCard: null, meter: null, price: null, modifiers: null };
  expect(entered).toMatchObject({ status: 201, body: { ...body, ...about } });
  const inForce = async (at: string) =>
    ((await api.call('GET', `/v1/plans/rtc/versions/1/prices?at=${at}&customer=acme`)).body['items'] as unknown[]).map(
      (item) => (item as { modifiers: object | null }).modifiers,
    );
  // hd has a price of its own from July 2026 on.
  expect(await inForce('2027-01-01T00:00:00Z')).toEqual([{ percentOff: '20' }, { freeUnits: '100' }]);
  await api.call('POST', `${PRICES}/${String(entered.body['revision'])}/end`, { at: '2027-02-01T00:00:00Z' });
  expect(await inForce('2027-02-01T00:00:00Z')).toEqual([null, { freeUnits: '100' }]);
  const ofPlan = await api.call('POST', PRICES, { ...body, plan: 'rtc' });
  expect(ofPlan.body).toMatchObject({ ...about, plan: 'rtc', percentOff: '20' });
});

describe('an agreement is refused, naming the field,', () => {
  test.each([
    ['about an unknown plan', { ...agreement, plan: 'nope' }, 'negotiated_price.invalid', 'plan'],
    ['about an unknown rate card', { ...agreement, rateCard: 'uhd' }, 'negotiated_price.invalid', 'rateCard'],
    ['within a minute', { ...agreement, validFrom: '2026-08-01T00:00:30Z' }, 'negotiated_price.invalid', 'validFrom'],
    [
      'that ends before it begins',
      { ...agreement, validUntil: '2026-05-01T00:00:00Z' },
      'negotiated_price.invalid',
      'validUntil',
    ],
    ['about nothing', { ...agreement, price: undefined, modifiers: {} }, 'negotiated_price.invalid', 'price'],
    ['that prices a fee by usage', { ...agreement, rateCard: 'base' }, 'negotiated_price.invalid', 'meter'],
    ['on a percentage above 100', { ...agreement, modifiers: { percentOff: '101' } }, 'request.invalid', 'modifiers.percentOff'],
    [
      'on modifiers that do not go together',
      { ...agreement, modifiers: { rounding: { mode: 'up', scope: 'event' } } },
      'negotiated_price.invalid',
      'modifiers.freeUnits',
    ],
    ['about a rate card of no plan', { ...agreement, plan: undefined }, 'negotiated_price.invalid', 'plan'],
    ['on a price of no rate card', { ...agreement, rateCard: undefined }, 'negotiated_price.invalid', 'rateCard'],
    ['about nothing of everything', { plan: 'rtc' }, 'negotiated_price.invalid', 'percentOff'],
    ['on a percentage beside the price', { ...agreement, percentOff: '5' }, 'negotiated_price.invalid', 'percentOff'],
    ['on a percentage off an unknown plan', { plan: 'nope', percentOff: '5' }, 'negotiated_price.invalid', 'plan'],
    ['on more than everything off everything', { percentOff: '100.1' }, 'request.invalid', 'percentOff'],
    ['with an unknown field', { ...agreement, knownSince: NOW }, 'request.invalid', 'knownSince'],
  ])('%s', async (_, body, code, path) => {
    const answer = await api.call('POST', PRICES, body);
    expect(answer).toMatchObject({ status: 400, body: { code } });
    expect((answer.body['errors'] as { path: string }[]).map((error) => error.path)).toContain(path);
  });

  test.each([
    ['before it begins', 3, { at: '2026-06-30T00:00:00Z' }, 400, 'negotiated_price.invalid'],
    ['after it has ended', 1, { at: '2026-06-01T00:00:00Z' }, 400, 'negotiated_price.invalid'],
    ['that is unknown', 99, {}, 404, 'negotiated_price.unknown'],
    ['that is an end itself', 2, {}, 404, 'negotiated_price.unknown'],
  ])('and so is the end of one %s', async (_, revision, body, status, code) => {
    expect(await api.call('POST', `${PRICES}/${revision}/end`, body)).toMatchObject({ status, body: { code } });
  });
});
