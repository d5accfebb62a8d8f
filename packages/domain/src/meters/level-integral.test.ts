import { Decimal } from 'decimal.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { followed } from '../../../../test/support/lifecycle-vectors.ts';
import { LevelIntegral, windowIndexAt } from './level-integral.ts';
import { formatQuantity } from './quantity.ts';

const ONE = 10n ** 12n;
const HOUR = 3_600_000;

interface WeightedSumCase {
  readonly id: string;
  readonly kind: string;
  readonly properties: { readonly initial: string };
  readonly period: { readonly from: string; readonly to: string };
  readonly events: readonly { readonly at: string; readonly value: string }[];
  readonly expected: { readonly unitsRounded5?: string; readonly unitsRounded10?: string };
}
const cases = followed<WeightedSumCase>('aggregation_weighted_sum');

describe('a level over time', () => {
  it('is tested with every published case', () => expect(cases).toHaveLength(4));

  // `to` there is the last millisecond of the period; values are changes, and the result is the mean level of the period.
  it.each(cases.map((each) => [each.id, each] as const))(
    'gives the published figure of %s',
    (_id, { properties, period, events, expected }) => {
      const window = { fromMs: Date.parse(period.from), toMs: Date.parse(period.to) + 1 };
      const integral = new LevelIntegral([window]);
      integral.change(window.fromMs, BigInt(properties.initial) * ONE);
      for (const { at, value } of events) integral.change(Date.parse(at), BigInt(value) * ONE);
      const units = new Decimal(formatQuantity(integral.amounts('period')[0] ?? 0n));
      if (expected.unitsRounded5 !== undefined) expect(units.toDecimalPlaces(5).toFixed()).toBe(expected.unitsRounded5);
      if (expected.unitsRounded10 !== undefined) expect(units.toDecimalPlaces(10).toFixed()).toBe(expected.unitsRounded10);
    },
  );

  it('is carried from window to window until it changes', () => {
    const windows = [0, 1, 2].map((hour) => ({ fromMs: hour * HOUR, toMs: (hour + 1) * HOUR }));
    const integral = new LevelIntegral(windows);
    integral.change(0, 5n * ONE); // held from before
    integral.change(HOUR / 2, 3n * ONE); // 8 for the second half of the first hour
    integral.change(HOUR, -2n * ONE); // 6 in the second hour, at its very start
    integral.change(2.5 * HOUR, -6n * ONE); // nothing for the second half of the third
    integral.change(3 * HOUR, 100n * ONE); // after the last window
    // 5/2 + 8/2 = 6.5; 6; 6/2 = 3
    expect(integral.amounts('hour').map(formatQuantity)).toEqual(['6.5', '6', '3']);
    expect(integral.amounts('day').map(formatQuantity)).toEqual(['0.270833333333', '0.25', '0.125']);
  });

  it('is the sum over every millisecond, whatever the order of changes', () => {
    const change = fc.record({ atMs: fc.integer({ min: -5, max: 40 }), by: fc.bigInt({ min: -9n, max: 9n }) });
    const edges = fc.uniqueArray(fc.integer({ min: 0, max: 30 }), { minLength: 2, maxLength: 6 });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), edges, (changes, unsorted) => {
        const sorted = unsorted.toSorted((a, b) => a - b);
        const windows = sorted.slice(1).map((toMs, index) => ({ fromMs: sorted[index] ?? 0, toMs }));
        const total = (list: typeof changes) => {
          const integral = new LevelIntegral(windows);
          for (const { atMs, by } of list) integral.change(atMs, by * 1000n * ONE);
          return integral.amounts('second').map(formatQuantity);
        };
        const naive = windows.map(({ fromMs, toMs }) => {
          let sum = 0n;
          for (let ms = fromMs; ms < toMs; ms += 1) for (const { atMs, by } of changes) if (atMs <= ms) sum += by;
          return String(sum);
        });
        expect(total(changes)).toEqual(naive);
        expect(total(changes.toReversed())).toEqual(naive);
      }),
      { numRuns: 500 },
    );
  });

  it('finds the window of an instant, the first of which ends none too early', () => {
    const windows = [
      { fromMs: 10, toMs: 20 },
      { fromMs: 20, toMs: 25 },
    ];
    expect([9, 10, 19, 20, 24, 25].map((ms) => windowIndexAt(windows, ms))).toEqual([-1, 0, 0, 1, 1, 2]);
  });
});
