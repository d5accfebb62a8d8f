import { Decimal } from 'decimal.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WindowFold } from './meter.ts';
import { foldWindows, quotient } from './window-fold.ts';

const ONE = 10n ** 12n;
const fold = (fields: Partial<WindowFold>): WindowFold => ({ window: '5_minutes', take: 'max', ...fields });
const p = (percentile: string, emptyWindows: 'zero' | 'skip' = 'zero') => fold({ take: 'percentile', percentile, emptyWindows });

describe('a fold of windows', () => {
  it('bills the 433rd of 8,640 five-minute windows from above as the 95th percentile: the top 5 % are thrown away', () => {
    const values = Array.from({ length: 8640 }, (_, index) => BigInt(index + 1) * ONE);
    expect(foldWindows(p('95'), values, 8640)).toBe(8208n * ONE);
    // 8,640 - 432 = 8,208: with the 432 highest gone, 8,208 is the highest left
    expect(values.filter((value) => value > 8208n * ONE)).toHaveLength(432);
  });

  it('counts windows without usage as zero, or not at all', () => {
    // 4 of 10 windows had usage: of all ten the 5th from below is zero, the 8th is the second smallest that is not
    expect(foldWindows(p('50'), [4n, 1n, 3n, 2n], 10)).toBe(0n);
    expect(foldWindows(p('80'), [4n, 1n, 3n, 2n], 10)).toBe(2n);
    expect(foldWindows(p('50', 'skip'), [4n, 1n, 3n, 2n], 10)).toBe(2n);
    expect(foldWindows(p('100'), [4n, 1n, 3n, 2n], 10)).toBe(4n);
    const average = (emptyWindows: 'zero' | 'skip') => fold({ take: 'average', emptyWindows });
    expect(foldWindows(average('zero'), [3n * ONE, 4n * ONE], 10)).toBe((7n * ONE) / 10n);
    expect(foldWindows(average('skip'), [3n * ONE, 4n * ONE], 10)).toBe((7n * ONE) / 2n);
  });

  it('puts the zeros of empty windows between negative and positive ones', () => {
    expect(foldWindows(p('40'), [-1n, -2n, 5n], 5)).toBe(-1n);
    expect(foldWindows(p('60'), [-1n, -2n, 5n], 5)).toBe(0n);
    expect(foldWindows(p('81'), [-1n, -2n, 5n], 5)).toBe(5n);
  });

  it('rounds a quotient half away from zero, to the last of 12 decimals', () => {
    expect([quotient(1n, 2n), quotient(-1n, 2n), quotient(1n, 3n), quotient(2n, 3n)]).toEqual([1n, -1n, 0n, 1n]);
  });

  const values = fc.array(fc.bigInt({ min: -50n, max: 50n }), { minLength: 1, maxLength: 40 });

  it('is what a list with every window in it gives, whatever the order', () => {
    const cases = fc.record({
      values,
      empty: fc.nat(40),
      take: fc.constantFrom('max' as const, 'sum' as const, 'average' as const, 'percentile' as const),
      tenths: fc.integer({ min: 1, max: 1000 }),
      emptyWindows: fc.constantFrom('zero' as const, 'skip' as const),
    });
    fc.assert(
      fc.property(cases, ({ values: used, empty, take, tenths, emptyWindows }) => {
        const percentile = new Decimal(tenths).div(10).toFixed();
        const found = foldWindows({ window: 'day', take, percentile, emptyWindows }, used, used.length + empty);
        const listed = [...used, ...(emptyWindows === 'zero' ? Array.from({ length: empty }, () => 0n) : [])];
        const decimals = listed.map((value) => new Decimal(String(value)));
        const sorted = decimals.toSorted((a, b) => a.comparedTo(b));
        const sum = decimals.reduce((total, value) => total.plus(value), new Decimal(0));
        const rank = new Decimal(tenths).times(listed.length).div(1000).ceil().toNumber();
        const expected = {
          max: Decimal.max(...used.map(String)),
          sum,
          average: sum.div(listed.length).toDecimalPlaces(0, Decimal.ROUND_HALF_UP),
          percentile: sorted[rank - 1],
        }[take];
        expect(String(found)).toBe(expected?.plus(0).toFixed().replace(/^-0$/, '0'));
        expect(foldWindows({ window: 'day', take, percentile, emptyWindows }, used.toReversed(), used.length + empty)).toBe(
          found,
        );
      }),
      { numRuns: 1000 },
    );
  });
});
