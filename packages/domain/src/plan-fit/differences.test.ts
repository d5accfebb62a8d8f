import { expect, test } from 'vitest';
import type { Modifiers, RateCard } from '../prices/index.ts';
import { termsDifference } from './index.ts';

const card = (modifiers?: Modifiers): RateCard => ({
  ...{ key: 'calls', name: 'Calls', meter: 'calls', price: { model: 'per_unit', unitAmount: '1' } },
  ...(modifiers && { modifiers }),
});
const lost = (before: Modifiers, after?: Modifiers) =>
  termsDifference([card(before)], [card(after)], () => '8').allowances.map(({ message, exceeds }) => [message, exceeds]);

test('units that are free count as included, with an allowance or alone', () => {
  expect(lost({ freeUnits: '10' }, { freeUnits: '5' })).toEqual([['Calls: you use 8 of 5 (10 before)', true]]);
  expect(lost({ freeUnits: '10' })).toEqual([['Calls: you use 8 of 0 (10 before)', true]]);
  expect(lost({ freeUnits: '10' }, { allowance: { units: '9' } })).toEqual([['Calls: you use 8 of 9 (10 before)', false]]);
  expect(lost({ freeUnits: '4', allowance: { units: '6' } }, { freeUnits: '10' })).toEqual([]);
});
