import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestApi, type TestApi } from './fixture.ts';

const CHANGES = '/v1/plans/rtc/versions/1/price-changes';
const PRICES = '/v1/plans/rtc/versions/1/prices';
const perUnit = (unitAmount: string) => ({ model: 'per_unit', unitAmount });
const conversion = { unitConversion: { operation: 'divide', factor: '60' } };

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
  await api.call('POST', '/v1/meters', { key: 'seconds', eventType: 'call', aggregation: 'sum', valueProperty: '$.seconds' });
  const rateCards = [
    { key: 'base', name: 'Base', price: { model: 'flat', amount: '10.00' } },
    { key: 'hd', name: 'HD minutes', meter: 'seconds', price: perUnit('0.016'), modifiers: conversion },
  ];
  const billingPeriod = { every: 'month', anchor: 'calendar' };
  await api.call('POST', '/v1/plans', { key: 'rtc', name: 'RTC', currency: 'USD', billingPeriod, rateCards });
});
afterAll(() => api.close());

/** Sets when the change was entered, as if the clock had stood there. */
async function enter(body: object, knownSince?: string) {
  const answer = await api.call('POST', CHANGES, body);
  if (knownSince !== undefined) {
    await api.database.transaction(async (tx) => {
      await tx.query('alter table price_change disable trigger price_change_is_immutable');
      await tx.query('update price_change set known_since = $1 where revision = $2', [
        new Date(knownSince),
        Number(answer.body['revision']),
      ]);
      await tx.query('alter table price_change enable trigger price_change_is_immutable');
    });
  }
  return answer;
}

test('prices are told as valid at an instant and as known at another', async () => {
  const first = await enter(
    { rateCard: 'hd', validFrom: '2026-05-01T00:00:00Z', price: perUnit('0.012') },
    '2026-03-01T00:00:00Z',
  );
  expect(first).toMatchObject({
    status: 201,
    // Absent modifiers are those in force: seconds are still billed as minutes.
    body: { revision: 1, rateCard: 'hd', validFrom: '2026-05-01T00:00:00Z', price: perUnit('0.012'), modifiers: conversion },
  });
  await enter({ rateCard: 'hd', validFrom: '2026-06-01T00:00:00Z', price: perUnit('0.011') }, '2026-03-02T00:00:00Z');
  // Known from 10 March on: already from April 20 on, and without any later change.
  await enter(
    { rateCard: 'hd', validFrom: '2026-04-20T00:00:00Z', price: perUnit('0.013'), modifiers: null },
    '2026-03-10T00:00:00Z',
  );

  const hd = async (query: string) => {
    const { body } = await api.call('GET', `${PRICES}?${query}`);
    return (
      body['items'] as {
        rateCard: string;
        validFrom: string | null;
        validTo: string | null;
        price: { unitAmount: string };
        revision: number;
      }[]
    )
      .filter(({ rateCard }) => rateCard === 'hd')
      .map(({ validFrom, validTo, price, revision }) => [validFrom, validTo, price.unitAmount, revision]);
  };
  expect(await hd('')).toEqual([
    [null, '2026-04-20T00:00:00Z', '0.016', 0],
    ['2026-04-20T00:00:00Z', null, '0.013', 3],
  ]);
  expect(await hd('knownAt=2026-03-05T00:00:00Z')).toEqual([
    [null, '2026-05-01T00:00:00Z', '0.016', 0],
    ['2026-05-01T00:00:00Z', '2026-06-01T00:00:00Z', '0.012', 1],
    ['2026-06-01T00:00:00Z', null, '0.011', 2],
  ]);
  const at = '2026-05-15T12:34:56Z';
  expect(await hd(`at=${at}`)).toEqual([['2026-04-20T00:00:00Z', null, '0.013', 3]]);
  expect(await hd(`at=${at}&knownAt=2026-03-01T12:00:00Z`)).toEqual([['2026-05-01T00:00:00Z', null, '0.012', 1]]);
  expect(await hd(`at=${at}&knownAt=2026-02-01T00:00:00Z`)).toEqual([[null, null, '0.016', 0]]);

  const listed = async (query: string) =>
    (await api.call('GET', `${CHANGES}?${query}`)).body as { items: { revision: number }[]; nextCursor: string | null };
  expect((await listed('knownAt=2026-03-05T00:00:00Z')).items.map(({ revision }) => revision)).toEqual([1, 2]);
  const page = await listed('limit=2');
  expect(page.items.map(({ revision }) => revision)).toEqual([1, 2]);
  expect(await listed(`limit=2&cursor=${page.nextCursor}`)).toMatchObject({
    items: [{ revision: 3, modifiers: null }],
    nextCursor: null,
  });
});

test('an entered price change cannot be changed or deleted', async () => {
  for (const statement of ['update price_change set valid_from = now()', 'delete from price_change']) {
    await expect(api.database.query(statement)).rejects.toMatchObject({ code: 'ML002' });
  }
});

describe('a price change is refused, naming the field,', () => {
  const ok = { rateCard: 'hd', validFrom: '2026-08-01T00:00:00Z', price: perUnit('0.01') };
  test.each([
    ['of a rate card that the plan version does not have', { ...ok, rateCard: 'uhd' }, 'price_change.invalid', 'rateCard'],
    ['within a minute', { ...ok, validFrom: '2026-08-01T00:00:30Z' }, 'price_change.invalid', 'validFrom'],
    [
      'from a usage price to a flat one without a meter',
      { ...ok, price: { model: 'flat', amount: '1' }, modifiers: null },
      'price_change.invalid',
      'meter',
    ],
    ['from a flat price to one that needs a meter', { ...ok, rateCard: 'base' }, 'price_change.invalid', 'meter'],
    [
      'that asks the meter for a dimension it does not have',
      { ...ok, price: { model: 'matrix', dimensions: ['region'], cells: [{ match: { region: 'eu' }, price: perUnit('1') }] } },
      'price_change.invalid',
      'price',
    ],
    ['without a price', { ...ok, price: undefined }, 'request.invalid', 'price'],
    [
      'with a number for a price',
      { ...ok, price: { model: 'per_unit', unitAmount: 0.01 } },
      'request.invalid',
      'price.unitAmount',
    ],
    ['with an unknown field', { ...ok, knownSince: '2026-01-01T00:00:00Z' }, 'request.invalid', 'knownSince'],
  ])('%s', async (_, body, code, path) => {
    const answer = await api.call('POST', CHANGES, body);
    expect(answer).toMatchObject({ status: 400, body: { code } });
    expect((answer.body['errors'] as { path: string }[]).map((error) => error.path)).toContain(path);
  });

  test('of a plan or version that does not exist', async () => {
    expect(await api.call('POST', '/v1/plans/nope/versions/1/price-changes', ok)).toMatchObject({
      status: 404,
      body: { code: 'plan.unknown' },
    });
    expect(await api.call('POST', '/v1/plans/rtc/versions/2/price-changes', ok)).toMatchObject({
      status: 404,
      body: { code: 'plan_version.unknown' },
    });
    expect(await api.call('GET', '/v1/plans/rtc/versions/x/prices')).toMatchObject({
      status: 400,
      body: { code: 'request.invalid' },
    });
  });
});
