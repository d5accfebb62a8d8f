import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { groupDigits, groupNumbers, withDecimals } from './digits.ts';

describe('digits', () => {
  it('are grouped by threes before the point, and none is lost', () => {
    expect(['999', '1000', '-22361870.50001', '0.123456'].map(groupDigits)).toEqual([
      '999',
      '1,000',
      '-22,361,870.50001',
      '0.123456',
    ]);
    fc.assert(
      fc.property(fc.bigInt(), (value) => {
        expect(groupDigits(String(value))).toBe(value.toLocaleString('en-US'));
      }),
    );
  });

  it('are grouped in sentences, but not in names and dates', () => {
    expect(groupNumbers('41 packages of 100000 units at 1000.5')).toBe('41 packages of 100,000 units at 1,000.5');
    expect(groupNumbers('INV-000001 of 2023-11-01, key a12345')).toBe('INV-000001 of 2023-11-01, key a12345');
  });

  it('are filled up behind the point, never cut', () => {
    expect(['10', '4.366', '36.9'].map((text) => withDecimals(text, 2))).toEqual(['10.00', '4.366', '36.90']);
  });
});
