import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { describe, expect, test } from 'vitest';
import { floorMinute, formatInstant, parseInstantMs } from './instant.ts';

describe('parseInstantMs', () => {
  test.each([
    ['1970-01-01T00:00:00Z', 0],
    ['2026-11-22T01:20:10.123Z', 1_795_310_410_123],
    ['2026-11-22T06:50:10.123+05:30', 1_795_310_410_123],
    ['2026-11-21t20:20:10.123-05:00', 1_795_310_410_123],
    ['2026-11-22T01:20:10.1239999999z', 1_795_310_410_123],
    ['2026-11-22T01:20:10.1Z', 1_795_310_410_100],
    ['2026-11-22T01:20:10-00:00', 1_795_310_410_000],
    ['2024-02-29T23:59:59Z', 1_709_251_199_000],
    ['2016-12-31T23:59:60Z', 1_483_228_800_000],
    ['2017-01-01T00:59:60.5+01:00', 1_483_228_800_500],
    ['0000-01-01T00:00:00Z', -62_167_219_200_000],
  ])('%s is %d', (text, ms) => expect(parseInstantMs(text)).toBe(ms));

  test.each([
    '',
    'now',
    '2026-02-30T00:00:00Z',
    '2026-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:60:00Z',
    '2026-01-01T00:00:61Z',
    '2026-01-01T12:00:60Z',
    '2026-01-01T00:00:00',
    '2026-01-01 00:00:00Z',
    '2026-01-01T00:00Z',
    '2026-01-01T00:00:00.Z',
    '2026-01-01T00:00:00,5Z',
    '2026-01-01T00:00:00+0100',
    '2026-01-01T00:00:00+01',
    '2026-01-01T00:00:00+24:00',
    '2026-01-01T00:00:00+01:60',
    '2026-01-01T00:00:00Z ',
    ' 2026-01-01T00:00:00Z',
    '+002026-01-01T00:00:00Z',
    '2026-1-01T00:00:00.0Z',
    '2026-01-01T00:00:0xZ',
    '２０２６-01-01T00:00:00Z',
    '0000-01-01T00:00:00+00:01',
    '9999-12-31T23:59:59-00:01',
    '1767225600000',
    `2026-01-01T00:00:00.${'1'.repeat(100_000)}`,
  ])('refuses %j', (text) => expect(parseInstantMs(text)).toBeUndefined());

  test('agrees with Temporal on every instant and offset', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -6.2e13, max: 2.5e14 }),
        fc.integer({ min: -23 * 60 - 59, max: 23 * 60 + 59 }),
        (ms, offsetMinutes) => {
          const offset = `${offsetMinutes < 0 ? '-' : '+'}${Temporal.PlainTime.from('00:00')
            .add({ minutes: Math.abs(offsetMinutes) })
            .toString({ smallestUnit: 'minute' })}`;
          const text = Temporal.Instant.fromEpochMilliseconds(ms).toString({ timeZone: offset });
          fc.pre(text.length > 20 && !text.startsWith('+') && !text.startsWith('-'));
          expect(parseInstantMs(text)).toBe(ms);
        },
      ),
    );
  });

  test('answers for any text without throwing', () => {
    fc.assert(fc.property(fc.string({ maxLength: 40 }), (text) => ['number', 'undefined'].includes(typeof parseInstantMs(text))));
  });
});

test('formatInstant is read back as the same instant, and leaves out empty milliseconds', () => {
  expect(formatInstant(1_795_310_410_123)).toBe('2026-11-22T01:20:10.123Z');
  expect(formatInstant(1_795_310_410_000)).toBe('2026-11-22T01:20:10Z');
  fc.assert(fc.property(fc.integer({ min: -6.2e13, max: 2.5e14 }), (ms) => parseInstantMs(formatInstant(ms)) === ms));
});

test('floorMinute goes down also before 1970', () => {
  expect(floorMinute(119_999)).toBe(60_000);
  expect(floorMinute(60_000)).toBe(60_000);
  expect(floorMinute(-1)).toBe(-60_000);
});
