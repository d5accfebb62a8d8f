import { describe, expect, it } from 'vitest';
import type { Price } from '../prices/index.ts';
import { compilePrice, evaluatePrice, evaluationOf, type MeteredUsage, type PriceInput } from './index.ts';

const evaluate = (price: Price, more: Partial<PriceInput>) => evaluatePrice({ currency: 'USD', price, quantity: '0', ...more });
const tiers = [
  { upTo: '100', unitAmount: '1' },
  { upTo: null, unitAmount: '0.5' },
];
const byMedia: Price = { model: 'matrix', dimensions: ['media'], cells: [{ match: {}, price: { model: 'graduated', tiers } }] };
const fee: Price = { model: 'percentage', rate: '0', fixedAmount: '1' };
const limited: Price = { model: 'percentage', rate: '10', minimumPerEvent: '2' };

describe('usage billed before', () => {
  it('may be told by groups, by values or by quantity alone', () => {
    const group = (quantity: string) => [{ dimensions: { media: 'audio' }, quantity }];
    // 80 before, 50 now: 20 at 1 and 30 at 0.5.
    expect(evaluate(byMedia, { quantity: '50', groups: group('50'), previousGroups: group('80') }).total).toBe('35.00');
    const free: Price = { model: 'percentage', rate: '10', freeEvents: '1' };
    const values = [{ value: '40', events: 1 }];
    // The first event was free, so this one pays.
    expect(evaluate(free, { quantity: '40', values, previousValues: values }).total).toBe('4.00');
    expect(evaluate(free, { quantity: '40', values }).total).toBe('0.00');
    expect(evaluate({ model: 'graduated', tiers }, { quantity: '50', previousQuantity: '80' }).total).toBe('35.00');
  });

  it('has as many events as it was told, and an unknown number only where nobody asks', () => {
    expect(evaluate(fee, { quantity: '5', eventsCount: '3', previousQuantity: '5', previousEventsCount: '2' }).total).toBe(
      '3.00',
    );
    const code = (code: string) => expect.objectContaining({ code }) as Error;
    expect(() => evaluate(fee, { quantity: '5', eventsCount: '3', previousQuantity: '5' })).toThrow(code('usage.events_missing'));
    expect(() => evaluate(fee, { quantity: '5', previousQuantity: '5', previousEventsCount: '2' })).toThrow(
      code('usage.events_missing'),
    );
    const values = [{ value: '5', events: 2 }];
    expect(() => evaluate(limited, { quantity: '5', eventsCount: '2', previousQuantity: '10', previousValues: values })).toThrow(
      code('usage.values_missing'),
    );
    expect(() => evaluate(limited, { quantity: '10', values, previousQuantity: '5', previousEventsCount: '2' })).toThrow(
      code('usage.values_missing'),
    );
    expect(() => evaluate(byMedia, { quantity: '5', previousGroups: [], previousQuantity: '2' })).toThrow(
      code('usage.groups_missing'),
    );
    expect(() => evaluate(byMedia, { quantity: '5', groups: [], previousQuantity: '2' })).toThrow(code('usage.groups_missing'));
  });
});

describe('the number of events', () => {
  const asked = (usage: Omit<MeteredUsage, 'events'>) =>
    evaluationOf(compilePrice({ currency: 'USD', price: fee }).charge({ usage })).total;

  it('is that of the values or of the groups where it is not told by itself', () => {
    expect(
      asked({
        quantity: '9',
        values: [
          { value: '1', events: 4 },
          { value: '5', events: 1 },
        ],
      }),
    ).toBe('5.00');
    const groups = [
      { dimensions: { media: 'audio' }, quantity: '4', events: 2 },
      { dimensions: { media: 'video' }, quantity: '5', events: 4 },
    ];
    expect(asked({ quantity: '9', groups })).toBe('6.00');
    expect(() => asked({ quantity: '9', groups: [...groups, { dimensions: { media: '' }, quantity: '0' }] })).toThrow(
      expect.objectContaining({ code: 'usage.events_missing' }) as Error,
    );
  });
});

it('values are the same however they are told: apart or together, in any order', () => {
  const price: Price = { model: 'percentage', rate: '10', freeEvents: '2' };
  const total = (values: { value: string; events: number }[]) => evaluate(price, { quantity: '17', values });
  const once = total([
    { value: '3', events: 2 },
    { value: '10', events: 1 },
    { value: '1.0', events: 1 },
  ]);
  // The 1 and one 3 are free.
  expect(once.total).toBe('1.30');
  expect(
    total([
      { value: '10', events: 1 },
      { value: '3.00', events: 1 },
      { value: '1', events: 1 },
      { value: '3', events: 1 },
    ]),
  ).toEqual(once);
});

it('a combination of dimension values is one group, whatever the order of their names', () => {
  const price: Price = {
    model: 'matrix',
    dimensions: ['media', 'resolution'],
    cells: [{ match: {}, price: { model: 'package', packageSize: '10', packageAmount: '1' } }],
    groupBy: ['media', 'resolution'],
  };
  const groups = [
    { dimensions: { media: 'video', resolution: 'hd' }, quantity: '5' },
    { dimensions: { resolution: 'hd', media: 'video' }, quantity: '5' },
  ];
  const { total, lines } = evaluate(price, { quantity: '10', groups });
  expect([total, lines.length]).toEqual(['1.00', 1]);
  // Rounded as one group: ten units are one of ten, not two halves made whole.
  const modifiers = { unitConversion: { operation: 'divide' as const, factor: '10', rounding: 'up' as const } };
  const tens: Price = { ...price, cells: [{ match: {}, price: { model: 'per_unit', unitAmount: '1' } }] };
  expect(evaluate(tens, { quantity: '10', groups, modifiers }).total).toBe('1.00');
  expect(evaluate(tens, { quantity: '10', groups: groups.toReversed(), modifiers }).total).toBe('1.00');
});

it('a correction below zero counts as none, of the total and of each group', () => {
  expect(evaluate({ model: 'per_unit', unitAmount: '1' }, { quantity: '-5' }).total).toBe('0.00');
  const groups = [
    { dimensions: { media: 'audio' }, quantity: '-5' },
    { dimensions: { media: 'video' }, quantity: '7' },
  ];
  expect(evaluate(byMedia, { quantity: '2', groups }).total).toBe('7.00');
});
