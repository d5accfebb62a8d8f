import { Decimal as DefaultDecimal } from 'decimal.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatQuantity, parseQuantity } from './quantity.ts';

const Decimal = DefaultDecimal.clone({ precision: 60 });
const exact = (text: string): bigint => BigInt(new Decimal(text).times('1e12').toFixed(0));

describe('parseQuantity', () => {
  it('reads decimal text, numbers and exponents exactly', () => {
    for (const text of [
      '0',
      '1',
      '-1',
      '+2.5',
      '0.1',
      '123456789012.345678',
      '1e-7',
      '1E3',
      '999999999999999',
      '0.000000000001',
    ]) {
      expect(parseQuantity(text), text).toBe(exact(text));
    }
    expect(parseQuantity(0.1)).toBe(exact('0.1'));
    expect(parseQuantity(1e-7)).toBe(exact('0.0000001'));
    expect(parseQuantity(-3)).toBe(exact('-3'));
  });

  it('adds 0.1 ten times to exactly 1', () => {
    const values = Array.from({ length: 10 }, () => parseQuantity(0.1) as bigint);
    expect(formatQuantity(values.reduce((sum, value) => sum + value, 0n))).toBe('1');
  });

  it('says why a value cannot be metered', () => {
    expect(parseQuantity(undefined)).toBe('missing');
    expect(parseQuantity(null)).toBe('missing');
    for (const wrong of [
      '',
      '.5',
      '5.',
      '1.2.3',
      '0x10',
      'ten',
      ' 1',
      '1,5',
      'Infinity',
      'NaN',
      true,
      {},
      [1],
      Number.NaN,
      Number.POSITIVE_INFINITY,
    ]) {
      expect(parseQuantity(wrong), JSON.stringify(wrong)).toBe('not_numeric');
    }
    expect(parseQuantity('0.0000000000001')).toBe('too_precise');
    expect(parseQuantity('1000000000000000.1')).toBe('too_large');
    expect(parseQuantity('1e60')).toBe('too_large');
  });

  it('agrees with an independent decimal library on any decimal in range, and prints it back', () => {
    const decimals = fc
      .tuple(
        fc.constantFrom('', '-'),
        fc.bigInt({ min: 0n, max: 10n ** 15n - 1n }),
        fc.integer({ min: 0, max: 12 }),
        fc.bigInt({ min: 0n, max: 10n ** 12n - 1n }),
      )
      .map(
        ([sign, whole, places, fraction]) =>
          `${sign}${whole}${places === 0 ? '' : `.${String(fraction).padStart(12, '0').slice(0, places)}`}`,
      );
    fc.assert(
      fc.property(decimals, (text) => {
        const units = parseQuantity(text);
        expect(units).toBe(exact(text));
        expect(new Decimal(formatQuantity(units as bigint)).equals(text)).toBe(true);
      }),
    );
  });
});
