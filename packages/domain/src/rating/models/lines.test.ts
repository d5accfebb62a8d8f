import { expect, it } from 'vitest';
import type { Price } from '../../prices/index.ts';
import { evaluatePrice, type PriceInput, type RatedLine } from '../index.ts';

const evaluate = (price: Price, more: Partial<PriceInput>) => evaluatePrice({ currency: 'USD', price, quantity: '0', ...more });
const told = (lines: readonly RatedLine[]) =>
  lines.map(({ kind, quantity, amount, context }) => [kind, quantity, amount, context?.group]);
const unit = (unitAmount: string) => ({ model: 'per_unit' as const, unitAmount });

it('a matrix tells its lines cell by cell, in each by the values it is split by, however usage was told', () => {
  const price: Price = {
    model: 'matrix',
    dimensions: ['media', 'resolution'],
    cells: [
      { match: { resolution: 'hd' }, price: unit('3') },
      { match: { media: 'video' }, price: unit('2') },
    ],
    groupBy: ['media'],
  };
  const group = (media: string, resolution: string, quantity: string) => ({ dimensions: { media, resolution }, quantity });
  const groups = [
    group('video', 'sd', '1'),
    group('video', 'hd', '2'),
    group('audio', 'sd', '3'),
    group('audio', 'hd', '4'),
    group('', 'hd', '5'),
    group('', '', '6'),
  ];
  const lines = [
    ['unit', '5', '15', { media: '', resolution: 'hd' }],
    ['unit', '4', '12', { media: 'audio', resolution: 'hd' }],
    ['unit', '2', '6', { media: 'video', resolution: 'hd' }],
    ['unit', '1', '2', { media: 'video' }],
    ['unpriced', '6', '0', { media: '' }],
    ['unpriced', '3', '0', { media: 'audio' }],
  ];
  expect(told(evaluate(price, { quantity: '21', groups }).lines)).toEqual(lines);
  expect(told(evaluate(price, { quantity: '21', groups: groups.toReversed() }).lines)).toEqual(lines);
});

it('a matrix tells nothing of groups without usage, and takes a missing value for none', () => {
  const price: Price = {
    model: 'matrix',
    dimensions: ['media', 'resolution'],
    cells: [{ match: { media: '' }, price: unit('3') }],
    groupBy: ['resolution'],
  };
  const groups = [
    { dimensions: { media: 'audio', resolution: 'hd' }, quantity: '0' },
    { dimensions: { resolution: 'hd' } as Record<string, string>, quantity: '2' },
    { dimensions: { media: '' } as Record<string, string>, quantity: '1' },
    { dimensions: { media: '', resolution: '' }, quantity: '1' },
  ];
  expect(told(evaluate(price, { quantity: '4', groups }).lines)).toEqual([
    ['unit', '2', '6', { media: '', resolution: '' }],
    ['unit', '2', '6', { media: '', resolution: 'hd' }],
  ]);
});

it('a percentage tells of a part what came with it', () => {
  const price: Price = {
    model: 'percentage',
    rate: '10',
    freeEvents: '1',
    minimumPerEvent: '2',
    maximumPerEvent: '5',
  };
  const [small, large] = [
    { value: '10', events: 2 },
    { value: '90', events: 1 },
  ];
  const lines = (more: Partial<PriceInput>) =>
    evaluate(price, more).lines.map(({ kind, quantity, amount, facts }) => [kind, facts.type, quantity, amount]);
  // One of 10 is free, the other is raised from 1 to 2, the 90 lowered from 9 to 5.
  const both = { quantity: '110', values: [small, large] };
  expect(lines(both)).toEqual([
    ['included', 'free_events', '1', '0'],
    ['included', 'free_amount', '10', '0'],
    ['percentage', 'rate', '100', '10'],
    ['event', 'event_minimum', '1', '1'],
    ['event', 'event_maximum', '1', '-4'],
  ]);
  // The same again: none of it is free.
  expect(lines({ ...both, previousQuantity: '110', previousValues: both.values })).toEqual([
    ['percentage', 'rate', '110', '11'],
    ['event', 'event_minimum', '2', '2'],
    ['event', 'event_maximum', '1', '-4'],
  ]);
});

it('nothing is told of nothing: no packages, no fees, no money', () => {
  const packages: Price = { model: 'package', packageSize: '10', packageAmount: '1', freeUnits: '100' };
  expect(evaluate(packages, { quantity: '50' }).lines).toEqual([]);
  const rate: Price = { model: 'percentage', rate: '10', fixedAmount: '0' };
  expect(evaluate(rate, { quantity: '0', eventsCount: '3' }).lines).toEqual([]);
  const changes = [{ seats: '0', days: 3 }];
  const seats: Price = { model: 'per_seat', seatAmount: '10' };
  expect(evaluate(seats, { seatChanges: changes, prorationNumerator: 30, prorationDenominator: 30 }).lines).toEqual([]);
});

it('a volume price billed again takes back what it was billed before, and says so', () => {
  const tiers = [
    { upTo: '10', unitAmount: '2' },
    { upTo: null, unitAmount: '1', flatAmount: '3' },
  ];
  const { lines, total } = evaluate({ model: 'volume', tiers }, { quantity: '10', previousQuantity: '5' });
  expect(lines.map(({ amount, context }) => [amount, context?.takenBack])).toEqual([
    ['15', undefined],
    ['3', undefined],
    ['-10', true],
  ]);
  expect(total).toBe('8.00');
});
