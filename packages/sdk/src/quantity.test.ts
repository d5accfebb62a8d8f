import { Decimal } from 'decimal.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createEventIds } from './event-id.ts';
import { decimalText } from './quantity.ts';

test('a number is written as a plain decimal of the same value', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const text = decimalText(value);
      expect(text).toMatch(/^-?[0-9]+(\.[0-9]+)?$/);
      expect(new Decimal(text).equals(new Decimal(value))).toBe(true);
    }),
  );
});

test('text stays as it is, digit by digit, and what is not a decimal is refused', () => {
  expect(decimalText('0012.500')).toBe('0012.500');
  expect(decimalText(-5n)).toBe('-5');
  for (const wrong of ['', ' 1', '1e3', '1.', '.5', '1,5', '0x10', NaN, Infinity])
    expect(() => decimalText(wrong)).toThrow(TypeError);
});

test('ids are version 7 UUIDs that sort by time and do not repeat', () => {
  const newEventId = createEventIds();
  const ids = Array.from({ length: 1_000 }, (_, index) => newEventId(1_795_310_410_123 + index));
  expect(ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id))).toBe(true);
  expect([...ids].sort()).toEqual(ids);
  expect(new Set(ids).size).toBe(1_000);
  expect(Number.parseInt((ids[0] ?? '').replace('-', '').slice(0, 12), 16)).toBe(1_795_310_410_123);
});
