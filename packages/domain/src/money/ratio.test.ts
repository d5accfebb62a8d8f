import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decimal, formatDecimal, roundDecimal } from './index.ts';
import * as ratio from './ratio.ts';

const fraction = fc.record({
  numerator: fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }),
  denominator: fc.bigInt({ min: 1n, max: 10n ** 12n }),
});
const equal = (a: ratio.Ratio, b: ratio.Ratio) => a.numerator * b.denominator === b.numerator * a.denominator;

describe('ratio', () => {
  it('obeys the laws of fractions exactly', () => {
    fc.assert(
      fc.property(fraction, fraction, fraction, (a, b, c) => {
        expect(equal(ratio.subtract(ratio.add(a, b), b), a)).toBe(true);
        expect(equal(ratio.multiply(a, ratio.add(b, c)), ratio.add(ratio.multiply(a, b), ratio.multiply(a, c)))).toBe(true);
        if (b.numerator !== 0n) expect(equal(ratio.multiply(ratio.divide(a, b), b), a)).toBe(true);
        expect(ratio.compare(a, b)).toBe(-ratio.compare(b, a) + 0);
        expect(ratio.divide(a, { numerator: -3n, denominator: 7n }).denominator > 0n).toBe(true);
      }),
    );
  });

  it('becomes the very decimal it is, whatever it went through', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }),
        fc.nat(30),
        fc.bigInt({ min: 1n, max: 10n ** 9n }),
        (units, scale, by) => {
          const detour = ratio.multiply(ratio.divide(ratio.of({ units, scale }), { numerator: by, denominator: 1n }), {
            numerator: by,
            denominator: 1n,
          });
          expect(formatDecimal(ratio.toDecimal(detour, 3))).toBe(formatDecimal({ units, scale }));
        },
      ),
    );
  });

  it('writes an endless fraction to the digits asked for', () => {
    expect(formatDecimal(ratio.toDecimal({ numerator: -2n, denominator: 3n }, 6))).toBe('-0.666667');
  });

  it('rounds once where rounding a cut quotient would miss the half', () => {
    const quotient = ratio.divide(ratio.of(decimal('100')), ratio.of(decimal('75')));
    const price = ratio.of(decimal('0.00375'));
    expect(formatDecimal(ratio.round(ratio.multiply(quotient, price), 2))).toBe('0.01');
    const cut = ratio.of(roundDecimal(ratio.round(quotient, 18), 18));
    expect(formatDecimal(ratio.round(ratio.multiply(cut, price), 2))).toBe('0');
  });

  it('refuses to divide by zero', () => {
    expect(() => ratio.divide(ratio.of(decimal('1')), ratio.ZERO)).toThrow(RangeError);
  });
});
