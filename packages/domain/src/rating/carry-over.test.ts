import { expect, test } from 'vitest';
import type { Modifiers, Price } from '../prices/index.ts';
import { carriedOver } from './index.ts';

const unit: Price = { model: 'per_unit', unitAmount: '0.10' };
const used = (...quantities: string[]) => quantities.map((quantity) => ({ quantity, events: 1 }));
const allowance = { units: '1000', carryOver: { maximumUnits: '500' } };
const left = (usage: string[], modifiers: Modifiers = { allowance }, carriedUnits?: string) =>
  carriedOver({ price: unit, modifiers, usage: used(...usage), carriedUnits });

test('a period leaves what it was granted and did not use, over all of its parts, up to the limit', () => {
  expect([left(['800']), left(['500', '300']), left(['100']), left(['1001'])]).toEqual(['200', '200', '500', '0']);
  expect(left(['1150'], { allowance }, '200')).toBe('50');
});

test('nothing is carried over, which is not the same as nothing left, where the terms do not say so', () => {
  expect([left(['1'], { allowance: { units: '1000' } }), left(['1'], {}), left([])]).toEqual([null, null, '500']);
});

test('what is left counts in the unit of the price, behind free units, to 12 decimals', () => {
  const unitConversion = { operation: 'divide', factor: '60' } as const;
  // 1,000 - (59 / 60 - 0.5) = 999.516666... of which all goes on
  expect(
    left(['59'], { unitConversion, freeUnits: '0.5', allowance: { units: '1000', carryOver: { maximumUnits: null } } }),
  ).toBe('999.516666666667');
});

test('groups of a price by dimensions use the allowance up one after the other', () => {
  const price: Price = { model: 'matrix', dimensions: ['media'], cells: [{ match: { media: 'video' }, price: unit }] };
  const groups = [
    { dimensions: { media: 'audio' }, quantity: '300' },
    { dimensions: { media: 'video' }, quantity: '600' },
  ];
  // A maximum does not add up: all in all 600, by groups 900.
  expect(carriedOver({ price, modifiers: { allowance }, usage: [{ quantity: '600', events: 2, groups }] })).toBe('100');
});
