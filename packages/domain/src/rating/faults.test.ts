import { describe, expect, it } from 'vitest';
import type { Fault } from '../faults/index.ts';
import type { Modifiers, Price } from '../prices/index.ts';
import { evaluatePrice, type PriceInput, ratePricedParts } from './index.ts';

const faultOf = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    const { kind, code, message, errors } = error as Fault;
    return { kind, code, message, errors };
  }
  return null;
};
const evaluating = (price: Price, more: Partial<PriceInput> = {}) =>
  faultOf(() => evaluatePrice({ currency: 'USD', price, quantity: '1', ...more }));
const unit: Price = { model: 'per_unit', unitAmount: '1' };
const flat: Price = { model: 'flat', amount: '30' };

describe('days of a period', () => {
  const shareOf = (prorationNumerator?: number, prorationDenominator?: number) =>
    evaluatePrice({ currency: 'USD', price: flat, quantity: '0', prorationNumerator, prorationDenominator }).total;
  const refused = (numerator: unknown, denominator: unknown) => ({
    kind: 'invalid',
    code: 'proration.invalid',
    message: `cannot prorate by ${String(numerator)} of ${String(denominator)} days`,
    errors: [],
  });

  it('are none, some or all of them; neither given is all', () => {
    expect([shareOf(), shareOf(30, 30), shareOf(0, 30), shareOf(1, 1), shareOf(7, 30)]).toEqual([
      '30.00',
      '30.00',
      '0.00',
      '30.00',
      '7.00',
    ]);
  });

  it.each([
    [7, undefined],
    [undefined, 30],
    [31, 30],
    [-1, 30],
    [0, 0],
    [0, -1],
    [1.5, 30],
    [1, 30.5],
    [Number.NaN, 30],
    [1, Number.POSITIVE_INFINITY],
  ])('are refused when %s of %s', (numerator, denominator) => {
    expect(faultOf(() => shareOf(numerator, denominator))).toEqual(refused(numerator, denominator));
  });

  it('of parts are together no more than the period has', () => {
    const part = (days: number) => ({ price: unit, usage: { quantity: '1', events: 1 }, days });
    expect(ratePricedParts({ currency: 'USD', parts: [part(10), part(20)], daysInPeriod: 30 }).total).toBe('2.00');
    expect(faultOf(() => ratePricedParts({ currency: 'USD', parts: [part(11), part(20)], daysInPeriod: 30 }))).toEqual({
      kind: 'invalid',
      code: 'proration.invalid',
      message: 'parts of 11 + 20 days do not fit into a period of 30 days',
      errors: [],
    });
    expect(() => ratePricedParts({ currency: 'USD', parts: [], daysInPeriod: 30 })).toThrow(
      'a billing period has at least one price',
    );
  });

  it.each([-1, 1.5, 31])('that a seat was held cannot be %s of 30', (days) => {
    const message = `seats held for ${days} days need a billing period of at least so many: daysInPeriod says how many it has`;
    const seats: Price = { model: 'per_seat', seatAmount: '10' };
    expect(evaluating(seats, { seatChanges: [{ seats: '1', days }], prorationNumerator: 30, prorationDenominator: 30 })).toEqual({
      kind: 'invalid',
      code: 'proration.invalid',
      message,
      errors: [{ path: 'seatChanges', message }],
    });
  });
});

describe('what a price needs to be told', () => {
  const missing = (code: string, path: string, message: string) => ({
    kind: 'invalid',
    code,
    message,
    errors: [{ path, message }],
  });
  const limited: Price = { model: 'percentage', rate: '1', minimumPerEvent: '2' };
  const values = 'the price looks at single events: their values must be given, each with the number of events';

  it('are the values of single events, unless there is one event, or none', () => {
    const noValues = missing('usage.values_missing', 'values', values);
    expect(evaluating(limited, { quantity: '5', eventsCount: '2' })).toEqual(noValues);
    expect(evaluating(limited, { quantity: '5' })).toEqual(noValues);
    expect(evaluating(limited, { quantity: '0', eventsCount: '2' })).toEqual(noValues);
    expect([
      evaluating(limited, { quantity: '5', eventsCount: '1' }),
      evaluating(limited, { quantity: '0', eventsCount: '0' }),
      evaluating(limited, { quantity: '0' }),
    ]).toEqual([null, null, null]);
  });

  it('are the events of a fee per event, unless nothing was used', () => {
    const fee: Price = { model: 'percentage', rate: '1', fixedAmount: '0.30' };
    const message = 'the price has a fee per event: the number of events must be given';
    expect(evaluating(fee, { quantity: '5' })).toEqual(missing('usage.events_missing', 'eventsCount', message));
    expect([evaluating(fee, { quantity: '0' }), evaluating(fee, { quantity: '5', eventsCount: '0' })]).toEqual([null, null]);
  });

  it('are the groups of a price by dimensions, unless nothing was used', () => {
    const matrix: Price = { model: 'matrix', dimensions: ['media'], cells: [{ match: { media: 'audio' }, price: unit }] };
    const message = 'the price depends on dimensions: the usage of each combination of their values must be given';
    expect(evaluating(matrix, { quantity: '5' })).toEqual(missing('usage.groups_missing', 'groups', message));
    expect([evaluating(matrix, { quantity: '0' }), evaluating(matrix, { quantity: '5', groups: [] })]).toEqual([null, null]);
  });

  it('are values for a conversion that rounds each event', () => {
    const modifiers: Modifiers = {
      unitConversion: { operation: 'divide', factor: '60', rounding: { mode: 'up', scope: 'event' } },
    };
    expect(evaluating(unit, { modifiers, eventsCount: '3' })).toEqual(missing('usage.values_missing', 'values', values));
  });
});

it('numbers of events are whole, at most 24 digits', () => {
  expect(evaluating(unit, { eventsCount: '9'.repeat(24) })).toBeNull();
  const shown = '9'.repeat(40);
  for (const [count, told] of [
    ['1.5', '1.5'],
    ['-1', '-1'],
    ['', ''],
    ['1x', '1x'],
    ['x1', 'x1'],
    ['9'.repeat(50), shown],
  ] as const) {
    expect(evaluating(unit, { eventsCount: count })).toEqual({
      kind: 'invalid',
      code: 'decimal.malformed',
      message: `"${told}" is not a whole number of events`,
      errors: [],
    });
  }
});

it('a currency is one of ISO 4217, in capitals', () => {
  expect(evaluating(unit, { currency: 'usd' })).toEqual({
    kind: 'invalid',
    code: 'currency.unknown',
    message: '"usd" is not an ISO 4217 currency code',
    errors: [{ path: 'currency', message: 'currency must be an ISO 4217 code in capitals, such as "USD"' }],
  });
});
