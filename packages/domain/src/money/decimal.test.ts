import { Decimal as Oracle } from 'decimal.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Fault } from '../faults/index.ts';
import {
  add,
  compare,
  decimal,
  formatDecimal,
  isNegative,
  isZero,
  max,
  min,
  multiply,
  negate,
  roundDecimal,
  subtract,
} from './index.ts';
import { ROUNDING_MODES, type RoundingMode } from './rounding.ts';

Oracle.set({ precision: 400, toExpNeg: -300, toExpPos: 300 });

const ORACLE_MODES: Record<RoundingMode, Oracle.Rounding> = {
  half_up: Oracle.ROUND_HALF_UP,
  half_even: Oracle.ROUND_HALF_EVEN,
  up: Oracle.ROUND_UP,
  down: Oracle.ROUND_DOWN,
  ceiling: Oracle.ROUND_CEIL,
  floor: Oracle.ROUND_FLOOR,
};

/** Decimal text with up to 12 decimals, rich in halves, nines and zeros at the end. */
const decimalText = fc
  .tuple(
    fc.constantFrom('', '-', '+'),
    fc.bigInt({ min: 0n, max: 10n ** 15n }),
    fc.stringMatching(/^[0-9]{0,9}(5|05|50|99|000)?$/),
  )
  .map(([sign, whole, fraction]) => `${sign}${whole}${fraction && `.${fraction}`}`);
const oracleText = (value: Oracle) => (value.isZero() ? '0' : value.toFixed());

describe('decimal text', () => {
  it('reads and writes every decimal without changing its value', () => {
    fc.assert(
      fc.property(decimalText, (text) => {
        expect(formatDecimal(decimal(text))).toBe(oracleText(new Oracle(text)));
        expect(decimal(formatDecimal(decimal(text)))).toEqual(decimal(text));
      }),
    );
  });

  it.each([
    ['1e-7', '0.0000001'],
    ['2.50E3', '2500'],
    ['-12e+1', '-120'],
    ['-0', '0'],
    ['0.000', '0'],
    ['100', '100'],
    ['007.10', '7.1'],
    ['1e-100', `0.${'0'.repeat(99)}1`],
  ])('reads %s as %s', (text, plain) => {
    expect(formatDecimal(decimal(text))).toBe(plain);
  });

  it.each([
    '',
    ' ',
    '1 ',
    '.5',
    '5.',
    '1,000',
    '1_0',
    'NaN',
    'Infinity',
    '0x10',
    '--1',
    '1e',
    '1e1.5',
    '٣',
    '1\n',
    '1e101',
    '1e999999999',
    '9'.repeat(201),
  ])('refuses %j', (text) => {
    expect(() => decimal(text)).toThrow(expect.objectContaining({ kind: 'invalid', code: 'decimal.malformed' }) as Fault);
  });
});

describe('arithmetic', () => {
  it('agrees with an independent implementation at full length', () => {
    fc.assert(
      fc.property(decimalText, decimalText, (a, b) => {
        const [x, y, ox, oy] = [decimal(a), decimal(b), new Oracle(a), new Oracle(b)];
        expect(formatDecimal(add(x, y))).toBe(oracleText(ox.plus(oy)));
        expect(formatDecimal(subtract(x, y))).toBe(oracleText(ox.minus(oy)));
        expect(formatDecimal(multiply(x, y))).toBe(oracleText(ox.times(oy)));
        expect(compare(x, y)).toBe(ox.comparedTo(oy));
        expect(formatDecimal(min(x, y))).toBe(oracleText(Oracle.min(ox, oy)));
        expect(formatDecimal(max(x, y))).toBe(oracleText(Oracle.max(ox, oy)));
        expect(formatDecimal(negate(x))).toBe(oracleText(ox.negated()));
        expect(isZero(x)).toBe(ox.isZero());
        expect(isNegative(x)).toBe(ox.lessThan(0));
      }),
    );
  });

  it('adds a tenth ten times to exactly one', () => {
    const tenth = decimal('0.1');
    expect(formatDecimal(Array.from({ length: 9 }).reduce<typeof tenth>((sum) => add(sum, tenth), tenth))).toBe('1');
  });
});

describe('rounding', () => {
  it.each(ROUNDING_MODES)('%s agrees with an independent implementation', (mode) => {
    fc.assert(
      fc.property(decimalText, fc.integer({ min: 0, max: 14 }), (text, places) => {
        const rounded = roundDecimal(decimal(text), places, mode);
        expect(rounded.scale).toBe(places);
        expect(formatDecimal(rounded)).toBe(oracleText(new Oracle(text).toDecimalPlaces(places, ORACLE_MODES[mode])));
      }),
    );
  });

  it('takes halves away from zero unless told otherwise', () => {
    const rounded = (text: string) => formatDecimal(roundDecimal(decimal(text), 2));
    expect(['0.005', '-0.005', '0.0049', '2.675', '1.0051'].map(rounded)).toEqual(['0.01', '-0.01', '0', '2.68', '1.01']);
  });
});
