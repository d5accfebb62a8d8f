import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Fault } from '../faults/index.ts';
import * as ratio from './ratio.ts';
import {
  add,
  allocate,
  compare,
  currencyExponent,
  decimal,
  formatDecimal,
  formatMoney,
  isCurrency,
  isZero,
  negate,
  prorate,
  roundDecimal,
  ROUNDING_MODES,
  roundTogether,
  ZERO,
} from './index.ts';

const shares = (total: string, weights: string[], places = 2) =>
  allocate(decimal(total), weights.map(decimal), places).map((share) => formatDecimal(share));

describe('allocate', () => {
  it('conserves the total, and no share is a whole unit away from its part', () => {
    const weight = fc.tuple(fc.nat(1000), fc.nat(3)).map(([units, scale]) => ({ units: BigInt(units), scale }));
    fc.assert(
      fc.property(
        fc.bigInt(-(10n ** 9n), 10n ** 9n),
        fc.nat(4),
        fc.array(weight, { minLength: 1, maxLength: 12 }),
        (units, places, weights) => {
          fc.pre(weights.some((w) => !isZero(w)));
          const total = { units, scale: 3 };
          const result = allocate(total, weights, places);
          expect(result.reduce(add, ZERO)).toSatisfy((sum: typeof total) => compare(sum, roundDecimal(total, places)) === 0);
          const whole = weights.reduce(add, ZERO);
          const rounded = roundDecimal(total, places);
          weights.forEach((w, index) => {
            // |share - total * w / whole| < one unit, in integers scaled to thousandths.
            const scaled = roundDecimal(w, 3).units;
            const all = roundDecimal(whole, 3).units;
            const error = (result[index]?.units ?? 0n) * all - rounded.units * scaled;
            expect(error < all && error > -all).toBe(true);
          });
        },
      ),
    );
  });

  it('gives what is left to the largest remainders, and to the earlier of equals', () => {
    expect(shares('100', ['1', '1', '1'])).toEqual(['33.34', '33.33', '33.33']);
    expect(shares('0.05', ['1', '2', '3'])).toEqual(['0.01', '0.02', '0.02']);
    expect(shares('-100', ['1', '1', '1'])).toEqual(['-33.34', '-33.33', '-33.33']);
    expect(shares('10', ['0', '2.5', '0'], 0)).toEqual(['0', '10', '0']);
  });

  it.each([[[]], [['0', '0']], [['1', '-1', '3']]])('refuses the weights %j', (weights) => {
    expect(() => shares('1', weights)).toThrow(expect.objectContaining({ code: 'allocation.weights_invalid' }) as Fault);
  });
});

describe('rounding together', () => {
  const together = (...texts: string[]) =>
    roundTogether(texts.map(ratio.read), 2, 'half_up').map((share) => formatDecimal(share));

  it('rounds the sum once and gives what is left to the largest remainders', () => {
    expect(together('0.004', '0.004', '0.004')).toEqual(['0.01', '0', '0']);
    expect(together('1.001', '-0.004', '2.009')).toEqual(['1', '0', '2.01']);
    expect(together()).toEqual([]);
    const third = ratio.divide(ratio.read('0.025'), ratio.read('3'));
    expect(roundTogether([third, third, third], 2, 'half_up').map((share) => formatDecimal(share))).toEqual([
      '0.01',
      '0.01',
      '0.01',
    ]);
  });

  it('adds up to the rounded sum in every mode, and moves no amount by a whole unit', () => {
    const amount = fc.record({ numerator: fc.bigInt(-(10n ** 9n), 10n ** 9n), denominator: fc.bigInt(1n, 10n ** 6n) });
    fc.assert(
      fc.property(fc.array(amount, { maxLength: 9 }), fc.nat(4), fc.constantFrom(...ROUNDING_MODES), (amounts, places, mode) => {
        const shares = roundTogether(amounts, places, mode);
        const sum = ratio.round(ratio.sum(amounts), places, mode);
        expect(compare(shares.reduce(add, ZERO), sum)).toBe(0);
        shares.forEach((share, index) => {
          const moved = ratio.subtract(ratio.of(share), amounts[index] ?? ratio.ZERO);
          const unit = ratio.of({ units: 1n, scale: places });
          expect(ratio.compare(moved, unit) < 0 && ratio.compare(ratio.negate(moved), unit) < 0).toBe(true);
        });
      }),
    );
  });
});

describe('prorate', () => {
  it('rounds once, after the division', () => {
    expect(formatDecimal(prorate(decimal('100'), 15n, 31n, 2))).toBe('48.39');
    expect(formatDecimal(prorate(decimal('1000'), 10n, 31n, 0))).toBe('323');
    expect(formatDecimal(prorate(decimal('0.03'), 1n, 6n, 2))).toBe('0.01');
    expect(formatDecimal(prorate(decimal('0.03'), 1n, 6n, 2, 'half_even'))).toBe('0');
  });

  it('is the whole for all days, nothing for none, and the same with signs turned', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 12n), fc.integer({ min: 1, max: 366 }), fc.nat(366), (units, days, charged) => {
        const fee = { units, scale: 2 };
        const [d, n] = [BigInt(days), BigInt(charged)];
        expect(prorate(fee, d, d, 2)).toEqual(fee);
        expect(isZero(prorate(fee, 0n, d, 2))).toBe(true);
        expect(prorate(negate(fee), n, d, 2)).toEqual(negate(prorate(fee, n, d, 2)));
      }),
    );
  });
});

describe('currencies', () => {
  it('writes exactly the digits of the currency', () => {
    const forms = [
      ['12', 'USD'],
      ['1234.5', 'JPY'],
      ['1.2345', 'KWD'],
      ['1.23456', 'CLF'],
      ['-0.004', 'EUR'],
      ['-0.005', 'EUR'],
    ] as const;
    expect(forms.map(([text, currency]) => formatMoney(decimal(text), currency))).toEqual([
      '12.00',
      '1235',
      '1.235',
      '1.2346',
      '0.00',
      '-0.01',
    ]);
  });

  it('knows ISO 4217 codes and their exponents', () => {
    expect(['USD', 'JPY', 'KWD', 'UYW', 'CNY'].map(currencyExponent)).toEqual([2, 0, 3, 4, 2]);
    expect(['USD', 'XCG', 'ZWG', 'usd', 'US', 'DOGE', '', 'XAU'].map(isCurrency)).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
      false,
      false,
    ]);
  });
});
