import { expect, test } from 'vitest';
import { AGGREGATIONS, countsSeats, holdsLevel, LEVEL_UNITS } from './index.ts';

test('what was said last and a level are known at any instant, and nothing else is, nor a fold of windows', () => {
  expect(AGGREGATIONS.filter((aggregation) => holdsLevel({ aggregation }))).toEqual(['latest', 'weighted_sum']);
  expect(holdsLevel({ aggregation: 'latest', fold: { window: 'day', take: 'max' } })).toBe(false);
});

test('seats are counted by a meter whose usage counts them: not seat-hours', () => {
  const levels = LEVEL_UNITS.filter((unit) => countsSeats({ aggregation: 'weighted_sum', level: { values: 'change', unit } }));
  expect(levels).toEqual(['period']);
  expect([countsSeats({ aggregation: 'latest' }), countsSeats({ aggregation: 'max' })]).toEqual([true, false]);
});
