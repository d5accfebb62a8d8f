import { expect, test } from 'vitest';
import { invoiceLines } from '../invoices/index.ts';
import type { RateCard } from '../prices/index.ts';
import { allowanceOf, allowanceUse, countingCard, unitsCounted } from './allowances.ts';

const allowance = { key: 'calls', name: 'Calls', meter: 'calls', included: '100' };
const sizeOf = (...used: string[]) => allowanceUse(allowance, used).size;

test('under 30 % in the average month is too large, exactly 30 % is not', () => {
  // (20 + 30 + 39.999999999999) / 300 < 30 % <= (20 + 30 + 40) / 300
  expect([sizeOf('20', '30', '39.999999999999'), sizeOf('20', '30', '40')]).toEqual(['too_large', 'right']);
});

test('exceeded in more than half of the months is too small, even if the average is low', () => {
  expect([sizeOf('101', '101', '0', '0'), sizeOf('101', '101', '101', '0'), sizeOf('101', '101', '100')]).toEqual([
    'right',
    'too_small',
    'too_small',
  ]);
});

test('utilisation is told month by month and in the average', () => {
  // 50 / 100, 125.55 / 100, 100 / 100; (50 + 125.55 + 100) / 300 = 91.85 %
  expect(allowanceUse(allowance, ['50', '125.55', '100'])).toMatchObject({
    months: [
      { used: '50', percent: '50', exceeded: false },
      { used: '125.55', percent: '125.6', exceeded: true },
      { used: '100', percent: '100', exceeded: false },
    ],
    averagePercent: '91.9',
    monthsExceeded: 1,
  });
});

test('units carried over keep a month from exceeding it, and leave the percentage of the allowance itself', () => {
  // 120 and 121 of 100 and 20 carried over
  expect(allowanceUse(allowance, ['120', '121'], ['20', '20'])).toMatchObject({
    months: [
      { used: '120', carried: '20', percent: '120', exceeded: false },
      { used: '121', carried: '20', percent: '121', exceeded: true },
    ],
    monthsExceeded: 1,
    size: 'right',
  });
});

test('of an allowance of nothing there is no percentage, and any usage exceeds it', () => {
  const nothing = { ...allowance, included: '0' };
  expect(allowanceUse(nothing, ['0', '5', '5'])).toMatchObject({ averagePercent: null, monthsExceeded: 2, size: 'too_small' });
});

test('free units are included too, and units are counted as the price sees them', () => {
  const card: RateCard = {
    key: 'voice',
    name: 'Voice',
    meter: 'seconds',
    filter: { region: 'eu' },
    price: { model: 'per_unit', unitAmount: '0.01' },
    modifiers: {
      unitConversion: { operation: 'divide', factor: '60', rounding: 'up' },
      freeUnits: '50',
      allowance: { units: '100' },
      minimumSpend: '5',
    },
  };
  expect(allowanceOf(card)).toEqual({ key: 'voice', name: 'Voice', meter: 'seconds', included: '150' });
  const counting = countingCard(card);
  expect(counting.filter).toEqual(card.filter);
  // 3,601 s are 61 minutes begun
  const part = {
    rateCard: counting,
    from: '2026-01-01T00:00:00Z',
    to: '2026-02-01T00:00:00Z',
    days: 31,
    usage: { quantity: '3601', events: 1 },
  };
  const [line] = invoiceLines([{ currency: 'JPY', daysInPeriod: 31, parts: [part] }]);
  expect(unitsCounted(line ?? { explanation: [] })).toBe('61');
});

test('a card without an allowance has none', () => {
  const card: RateCard = { key: 'base', name: 'Base', price: { model: 'flat', amount: '9' } };
  expect(allowanceOf(card)).toBeUndefined();
});
