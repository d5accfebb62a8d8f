import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { faultPaths, openTestApi, type TestApi } from './fixture.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());

const price = {
  model: 'graduated',
  tiers: [
    { upTo: '10', unitAmount: '0.1' },
    { upTo: null, unitAmount: '0.05' },
  ],
};
const evaluate = (body: object, query = '') => api.call('POST', `/v1/prices/evaluate${query}`, body, 'reader');
const batch = (body: object, query = '') => api.call('POST', `/v1/prices/evaluate/batch${query}`, body, 'reader');
const descriptions = (body: Record<string, unknown>) =>
  (body['lines'] as { description: string }[]).map(({ description }) => description);

describe('an evaluation', () => {
  test('is exact, tells every step as data and as a sentence, and names the rounding', async () => {
    const { status, body } = await evaluate({ currency: 'USD', price, quantity: '12.5', eventsCount: 3 });
    expect(status).toBe(200);
    expect(body).toEqual({
      amount: '1.13',
      charges: '0.00',
      discounts: '0.00',
      credits: '0.00',
      total: '1.13',
      exactAmount: '1.125',
      lines: [
        {
          kind: 'tier',
          description: '10 units at 0.1 (tier 1, 0 to 10)',
          quantity: '10',
          unitAmount: '0.1',
          amount: '1',
          tier: { index: 0, from: '0', upTo: '10' },
          facts: { type: 'tier_units' },
        },
        {
          kind: 'tier',
          description: '2.5 units at 0.05 (tier 2, above 10)',
          quantity: '2.5',
          unitAmount: '0.05',
          amount: '0.125',
          tier: { index: 1, from: '10', upTo: null },
          facts: { type: 'tier_units' },
        },
      ],
      rounding: {
        kind: 'rounding',
        description: 'Rounded half up, the charge: 1.125 becomes 1.13',
        quantity: null,
        unitAmount: null,
        amount: '0.005',
        facts: { type: 'rounded', mode: 'half_up', scope: 'charge', exactAmount: '1.125', roundedAmount: '1.13' },
      },
    });
  });

  test('is told in Chinese where the query or the body asks for it', async () => {
    const chinese = ['10 个单位，单价 0.1（第 1 档，0 至 10）', '2.5 个单位，单价 0.05（第 2 档，超过 10）'];
    const input = { currency: 'USD', price, quantity: '12.5' };
    expect(descriptions((await evaluate(input, '?language=zh')).body)).toEqual(chinese);
    expect(descriptions((await evaluate({ ...input, language: 'zh' })).body)).toEqual(chinese);
    expect(faultPaths(await evaluate({ ...input, language: 'tlh' }))).toEqual(['language']);
  });

  test('takes usage by dimensions and by single events, whose sum is the quantity', async () => {
    const cells = [{ match: { media: 'video' }, price: { model: 'percentage', rate: '10', maximumPerEvent: '2' } }];
    const matrix = { model: 'matrix', dimensions: ['media'], cells, default: { model: 'per_unit', unitAmount: '1' } };
    const groups = [
      { dimensions: { media: 'video' }, quantity: '40', values: [{ value: '10' }, { value: '30' }] },
      { dimensions: { media: 'audio' }, quantity: '5' },
    ];
    // 10 % of 10 is 1, 10 % of 30 is 3 and held at 2; 5 at 1 by default.
    expect(await evaluate({ currency: 'USD', price: matrix, groups })).toMatchObject({ status: 200, body: { total: '8.00' } });
    expect(await evaluate({ currency: 'USD', price: matrix, quantity: '45' })).toMatchObject({
      status: 400,
      body: { code: 'usage.groups_missing', errors: [{ path: 'groups' }] },
    });
  });

  test('goes on in a period that was billed in part, by days, and with what is left of an allowance', async () => {
    const more = await evaluate({ currency: 'USD', price, quantity: '5', previousQuantity: '8', periodPosition: 'last' });
    expect(more.body).toMatchObject({ exactAmount: '0.35' });
    const fee = await evaluate({
      currency: 'USD',
      price: { model: 'flat', amount: '31' },
      quantity: '0',
      days: 10,
      daysInPeriod: 31,
    });
    expect(fee.body).toMatchObject({ total: '10.00' });
    const least = { currency: 'USD', price, modifiers: { minimumSpend: '31.00' }, quantity: '0', days: 10, daysInPeriod: 31 };
    expect((await evaluate(least)).body).toMatchObject({ charges: '10.00' });
    const modifiers = { allowance: { units: '2', carryOver: { maximumUnits: '5' } } };
    expect((await evaluate({ currency: 'USD', price, modifiers, quantity: '5', carriedUnits: '1' })).body).toMatchObject({
      total: '0.20',
    });
  });

  test('names every wrong field at once', async () => {
    const wrong = await evaluate({ currency: 'XXX', price: { ...price, tiers: [] }, quantity: 12.5 });
    expect(wrong.status).toBe(400);
    expect(faultPaths(wrong).toSorted()).toEqual(['currency', 'price.tiers', 'quantity']);
    const modifiers = { rounding: { mode: 'up', scope: 'event' }, freeUnits: '1' };
    expect(faultPaths(await evaluate({ currency: 'USD', price, modifiers, days: 3 })).toSorted()).toEqual([
      'days',
      'modifiers.freeUnits',
      'modifiers.rounding.scope',
      'quantity',
    ]);
  });

  test('takes changes of seats for a price per seat, and for no other', async () => {
    const seats = { currency: 'USD', quantity: '5', seatChanges: [{ seats: '2', days: 10 }], days: 31, daysInPeriod: 31 };
    expect((await evaluate({ ...seats, price: { model: 'per_seat', seatAmount: '31' } })).body).toMatchObject({
      total: '175.00',
    });
    expect(faultPaths(await evaluate({ ...seats, price }))).toEqual(['seatChanges']);
  });
});

describe('a batch', () => {
  test('gives each item its own evaluation or its own error, in order', async () => {
    const items = [
      { currency: 'USD', price, quantity: '10' },
      { currency: 'USD', price, quantity: '-1' },
      { currency: 'USD', price: { model: 'percentage', rate: '1', fixedAmount: '1' }, quantity: '10' },
      'no item',
      { currency: 'JPY', price, quantity: '10' },
    ];
    const { status, body } = await batch({ items }, '?language=zh');
    expect(status).toBe(200);
    expect(body['results']).toMatchObject([
      { evaluation: { total: '1.00', lines: [{ description: '10 个单位，单价 0.1（第 1 档，0 至 10）' }] } },
      { error: { code: 'request.invalid', errors: [{ path: 'quantity' }] } },
      { error: { code: 'usage.events_missing', errors: [{ path: 'eventsCount' }] } },
      { error: { code: 'request.invalid' } },
      { evaluation: { total: '1' } },
    ]);
  });

  test('holds 1 to 1,000 items', async () => {
    expect(faultPaths(await batch({ items: [] }))).toEqual(['items']);
    expect(faultPaths(await batch({ items: Array.from({ length: 1001 }, () => ({})) }))).toEqual(['items']);
    const many = Array.from({ length: 1000 }, (_, index) => ({ currency: 'USD', price, quantity: String(index) }));
    expect(((await batch({ items: many })).body['results'] as unknown[]).length).toBe(1000);
  });
});
