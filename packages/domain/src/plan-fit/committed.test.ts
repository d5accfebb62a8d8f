import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Commitment } from '../commitments/index.ts';
import { wholeMonthsBefore } from './billing-months.ts';
import { committedTotals } from './committed.ts';

// January to March 2026: 31, 28 and 31 days
const MONTHS = wholeMonthsBefore({ anchorMs: null, timezone: 'UTC', nowMs: Date.parse('2026-04-10T00:00:00Z'), count: 3 });
const committed = (commitment: Commitment | null, ...totals: string[]) =>
  committedTotals(totals, { commitment, currency: 'USD', months: MONTHS });

test('a minimum and a maximum of each month are those of its invoice, however they are invoiced', () => {
  const limits = { minimumSpend: '50.00', maximumSpend: '80.00', every: 'period' } as const;
  for (const trueUp of ['period_end', 'term_end', 'in_advance'] as const) {
    expect(committed({ ...limits, trueUp }, '30.00', '60.00', '95.50')).toEqual(['50.00', '60.00', '80.00']);
  }
});

test('a minimum of a year counts by the days that have gone by, and what was too much flows back', () => {
  const yearly = { minimumSpend: '3650.00', every: 'year', trueUp: 'in_advance' } as const;
  // 310.00 by January (31 of 365 days), 590.00 by February, 900.00 by March; spend of 100, 500 in all and 1,000 in all
  expect(committed(yearly, '100.00', '400.00', '500.00')).toEqual(['310.00', '280.00', '410.00']);
});

test('without a commitment nothing changes, and with a minimum the months never come to less than their share', () => {
  const cents = fc.nat(500_000).map((units) => `${Math.trunc(units / 100)}.${String(units % 100).padStart(2, '0')}`);
  fc.assert(
    fc.property(fc.array(cents, { minLength: 3, maxLength: 3 }), (totals) => {
      expect(committed(null, ...totals)).toEqual(totals);
      const spend = totals.reduce((sum, total) => sum + BigInt(total.replace('.', '')), 0n);
      const due = committed({ minimumSpend: '3650.00', every: 'year' }, ...totals).reduce(
        (sum, total) => sum + BigInt(total.replace('.', '')),
        0n,
      );
      // 3,650.00 * 90 / 365
      expect(due).toBe(spend > 90_000n ? spend : 90_000n);
    }),
  );
});
