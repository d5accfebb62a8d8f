import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Commitment } from '../commitments/index.ts';
import { totalOf } from '../invoices/index.ts';
import { sharedAllowanceUse } from './allowances.ts';
import { wholeMonthsBefore } from './billing-months.ts';
import { type OtherCadence, periodsIn, sharedTotals } from './period-share.ts';

// January to March 2026: 31, 28 and 31 days
const MONTHS = wholeMonthsBefore({ anchorMs: null, timezone: 'UTC', nowMs: Date.parse('2026-04-10T00:00:00Z'), count: 3 });
const shared = (total: string, every: OtherCadence, commitment: Commitment | null = null) =>
  sharedTotals(total, { every, commitment, currency: 'USD', months: MONTHS });

test('months come to their share of a period, each to the same, and together to no cent more or less', () => {
  expect(shared('1200.00', 'year')).toEqual(['100.00', '100.00', '100.00']);
  // 100.00 * 3 / 12 = 25.00: 8.33, 16.67 and 25.00 so far
  expect(shared('100.00', 'year')).toEqual(['8.33', '8.34', '8.33']);
  expect(shared('100.00', 'half_year')).toEqual(['16.67', '16.66', '16.67']);
  expect(shared('100.00', 'quarter')).toEqual(['33.33', '33.34', '33.33']);
  // 90 days are 12.857... weeks of 7.00
  expect(shared('7.00', 'week')).toEqual(['30.00', '30.00', '30.00']);
});

test('a commitment is that of the whole period, or of the year of several', () => {
  const minimum = (every: 'period' | 'year', minimumSpend: string): Commitment => ({ minimumSpend, every, trueUp: 'term_end' });
  // Raised to 2,400.00 for the year, 600.00 for 3 months of it
  expect(shared('1000.00', 'year', minimum('period', '2400.00'))).toEqual(['200.00', '200.00', '200.00']);
  expect(shared('1000.00', 'year', minimum('year', '2400.00'))).toEqual(['200.00', '200.00', '200.00']);
  // A quarter of 300.00 is 1,200.00 in a year, raised to 2,400.00: 600.00 a quarter
  expect(shared('300.00', 'quarter', minimum('year', '2400.00'))).toEqual(['200.00', '200.00', '200.00']);
  expect(shared('300.00', 'quarter', minimum('period', '2400.00'))).toEqual(['800.00', '800.00', '800.00']);
  expect(shared('900.00', 'quarter', { maximumSpend: '600.00', every: 'period' })).toEqual(['200.00', '200.00', '200.00']);
});

test('the months of a year share all of it, whatever it costs', () => {
  const months = wholeMonthsBefore({ anchorMs: null, timezone: 'UTC', nowMs: MONTHS[0]?.fromMs ?? 0, count: 12 });
  fc.assert(
    fc.property(fc.nat(10_000_000), (cents) => {
      const total = `${Math.trunc(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;
      const amounts = sharedTotals(total, { every: 'year', commitment: null, currency: 'USD', months });
      expect(totalOf(amounts.map((amount) => ({ amount })), 'USD')).toBe(total); // prettier-ignore
      const minor = amounts.map((amount) => Number(amount.replace('.', '')));
      expect(Math.max(...minor) - Math.min(...minor)).toBeLessThanOrEqual(1);
    }),
  );
});

test('an allowance is too small if the period would exceed it, however its months go; a month is held against its share', () => {
  const allowance = { key: 'calls', name: 'Calls', meter: 'calls', included: '1200' };
  const use = (inYear: string, ...used: string[]) =>
    sharedAllowanceUse(allowance, inYear, { used, periods: periodsIn(MONTHS, 'year') });
  // 50 + 101 + 101 = 252 in 3 months, 1,008 in 12: 84 % of 1,200; two of the months are above 100, their share
  expect(use('1008', '50', '101', '101')).toMatchObject({
    ...{ averagePercent: '84', monthsExceeded: 2, size: 'right' },
    months: [{ percent: '50', exceeded: false }, { percent: '101', exceeded: true }, { exceeded: true }],
  });
  expect(use('1200.000000000001', '300', '0', '0.00000000000025').size).toBe('too_small');
  expect(use('359.999999999999', '90', '0', '0').size).toBe('too_large');
  // A peak is no share of anything.
  const peak = sharedAllowanceUse(allowance, '600', { used: ['600', '300', '1201'], periods: null });
  expect(peak.months.map(({ percent, exceeded }) => [percent, exceeded])).toEqual([['50', false], ['25', false], ['100.1', true]]); // prettier-ignore
});
