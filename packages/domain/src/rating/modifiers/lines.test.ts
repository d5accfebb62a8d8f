import { expect, it } from 'vitest';
import type { Modifiers, Price } from '../../prices/index.ts';
import { evaluatePrice, type PriceInput } from '../index.ts';

const unit: Price = { model: 'per_unit', unitAmount: '1' };
const evaluate = (modifiers: Modifiers, more: Partial<PriceInput>) =>
  evaluatePrice({ currency: 'USD', price: unit, quantity: '0', modifiers, ...more });

it('weights tell what came with this part, value by value, and count usage without the dimension by their default', () => {
  const weights = { dimension: 'resolution', factors: { '': '2', hd: '4' }, default: '9' };
  const group = (quantity: string, dimensions: Record<string, string>) => ({ dimensions, quantity });
  const { lines, total } = evaluate(
    { unitConversion: { operation: 'divide', factor: '10', weights, rounding: 'up' } },
    {
      quantity: '18',
      groups: [group('10', { resolution: 'hd' }), group('5', {}), group('3', { resolution: '2k' })],
      previousGroups: [group('7', { resolution: 'hd' }), group('1', { resolution: 'sd' })],
    },
  );
  const told = lines.map(({ quantity, facts }) => [facts.type, 'source' in facts ? facts.source : null, quantity]);
  // 37 weighed before are 4 units of ten, 114 with these are 12.
  expect(told).toEqual([
    ['weighted', '3', '27'],
    ['weighted', '10', '40'],
    ['weighted', '5', '10'],
    ['converted', '77', '8'],
    ['units', null, '8'],
  ]);
  expect(lines.find(({ facts }) => facts.type === 'converted')?.facts).toMatchObject({
    rounding: { mode: 'up', decimals: 0, scope: 'total' },
  });
  expect(total).toBe('8.00');
});

it('a step that changes nothing has no line', () => {
  const modifiers: Modifiers = {
    unitConversion: { operation: 'multiply', factor: '1' },
    freeUnits: '0',
    percentOff: '0',
    maximumSpend: '100',
    minimumSpend: '0',
    credits: ['5'],
  };
  expect(evaluate(modifiers, { quantity: '0' }).lines).toEqual([]);
  expect(evaluate({ freeUnits: '5' }, { quantity: '3', previousQuantity: '5' }).lines.map(({ kind }) => kind)).toEqual(['unit']);
  const rounding: Modifiers = { rounding: { mode: 'up', scope: 'event' } };
  expect(evaluate(rounding, { quantity: '3', eventsCount: '1' }).lines.map(({ kind }) => kind)).toEqual(['unit']);
});

it('limits and free units name what they were', () => {
  const minimum = evaluate({ minimumSpend: '5', freeUnits: '1' }, { quantity: '2' });
  expect(minimum.lines.map(({ kind, unitAmount, facts }) => [kind, unitAmount, facts])).toEqual([
    ['included', '0', { type: 'free_units', units: '1' }],
    ['unit', '1', { type: 'units' }],
    ['minimum', null, { type: 'minimum', limit: '5' }],
  ]);
});
