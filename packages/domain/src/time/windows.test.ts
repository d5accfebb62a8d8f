import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatInstant, parseInstantMs } from './instant.ts';
import type { WindowSize } from './windows.ts';
import { windowsBetween } from './windows.ts';
import { isTimezone, localDateAt, localDaysBetween, startOfDateMs, startOfLocalDay, zonedAt } from './zone.ts';

const HOUR_MS = 3_600_000;
const timezones = fc.constantFrom(...Intl.supportedValuesOf('timeZone'), 'UTC');
const instants = fc.integer({ min: Date.UTC(1973, 0, 1), max: Date.UTC(2060, 0, 1) });

function at(text: string): number {
  const ms = parseInstantMs(text);
  if (ms === undefined) throw new Error(`not an instant: ${text}`);
  return ms;
}

function windows(from: string, to: string, size: WindowSize, timezone: string): { from: string; to: string }[] {
  return windowsBetween({ fromMs: at(from), toMs: at(to), size, timezone }).map((window) => ({
    from: formatInstant(window.fromMs),
    to: formatInstant(window.toMs),
  }));
}

describe('windowsBetween', () => {
  test.each([
    ['Europe/Berlin', '2026-03-29', 23, 23],
    ['Europe/Berlin', '2026-10-25', 25, 25],
    ['Europe/Berlin', '2026-07-01', 24, 24],
    ['Australia/Lord_Howe', '2026-04-05', 25, 24.5],
    ['Australia/Lord_Howe', '2026-10-04', 24, 23.5],
    ['America/St_Johns', '2005-10-30', 26, 25],
    ['Asia/Kathmandu', '2026-03-29', 24, 24],
  ])('in %s, %s has %d hour windows over %d hours', (timezone, date, count, hours) => {
    const fromMs = startOfDateMs(Date.parse(date) / 86_400_000, timezone);
    const day = windowsBetween({ fromMs, toMs: fromMs + 30 * HOUR_MS, size: 'day', timezone })[0];
    if (day === undefined) throw new Error('no day');
    const hourWindows = windowsBetween({ ...day, size: 'hour', timezone });
    expect((day.toMs - day.fromMs) / HOUR_MS).toBeCloseTo(hours, 10);
    expect(hourWindows.length).toBe(count);
    expect(hourWindows.at(-1)?.toMs).toBe(day.toMs);
  });

  test('clips the first and the last window to the range', () => {
    expect(windows('2026-01-15T10:20:00Z', '2026-03-02T00:00:00Z', 'month', 'America/New_York')).toEqual([
      { from: '2026-01-15T10:20:00Z', to: '2026-02-01T05:00:00Z' },
      { from: '2026-02-01T05:00:00Z', to: '2026-03-01T05:00:00Z' },
      { from: '2026-03-01T05:00:00Z', to: '2026-03-02T00:00:00Z' },
    ]);
  });

  test('follows the wall clock of zones with offsets of half and three quarter hours', () => {
    expect(windows('2026-01-01T00:00:00Z', '2026-01-01T01:45:00Z', 'hour', 'Asia/Kathmandu')).toEqual([
      { from: '2026-01-01T00:00:00Z', to: '2026-01-01T00:15:00Z' },
      { from: '2026-01-01T00:15:00Z', to: '2026-01-01T01:15:00Z' },
      { from: '2026-01-01T01:15:00Z', to: '2026-01-01T01:45:00Z' },
    ]);
    expect(windows('2026-01-01T00:00:00Z', '2026-01-01T20:00:00Z', 'day', 'Asia/Kolkata')[0]?.to).toBe('2026-01-01T18:30:00Z');
  });

  test('an hour that comes twice is two windows', () => {
    expect(windows('2026-10-25T00:00:00Z', '2026-10-25T02:00:00Z', 'hour', 'Europe/Berlin').length).toBe(2);
  });

  test('a date that a zone skipped has no window', () => {
    expect(windows('2011-12-29T10:00:00Z', '2011-12-31T10:00:00Z', 'day', 'Pacific/Apia')).toEqual([
      { from: '2011-12-29T10:00:00Z', to: '2011-12-30T10:00:00Z' },
      { from: '2011-12-30T10:00:00Z', to: '2011-12-31T10:00:00Z' },
    ]);
  });

  test('an empty range has no windows', () => {
    expect(windows('2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z', 'day', 'UTC')).toEqual([]);
  });

  test('windows tile the range, and every inner boundary is a boundary of the wall clock, in any zone', () => {
    fc.assert(
      fc.property(timezones, instants, fc.constantFrom<WindowSize>('hour', 'day', 'month'), (timezone, fromMs, size) => {
        const toMs = fromMs + (size === 'month' ? 400 : 20) * 24 * HOUR_MS;
        const found = windowsBetween({ fromMs, toMs, size, timezone });
        expect(found[0]?.fromMs).toBe(fromMs);
        expect(found.at(-1)?.toMs).toBe(toMs);
        found.slice(1).forEach((window, before) => {
          expect(window.fromMs).toBe(found[before]?.toMs);
          const local = zonedAt(window.fromMs, timezone);
          const jumped = local.offsetNanoseconds !== zonedAt(window.fromMs - 1, timezone).offsetNanoseconds;
          const label = size === 'hour' ? local.minute : size === 'day' ? local.hour * 60 + local.minute : local.day - 1;
          expect(jumped || label === 0).toBe(true);
        });
        expect(found.every((window) => window.fromMs < window.toMs)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('minute windows are whole minutes', () => {
    expect(windows('2026-01-01T00:00:30Z', '2026-01-01T00:02:00Z', 'minute', 'Asia/Kathmandu')).toEqual([
      { from: '2026-01-01T00:00:30Z', to: '2026-01-01T00:01:00Z' },
      { from: '2026-01-01T00:01:00Z', to: '2026-01-01T00:02:00Z' },
    ]);
  });
});

describe('zones', () => {
  test('isTimezone knows every IANA name, and nothing else', () => {
    const names = [
      ...Intl.supportedValuesOf('timeZone'),
      'UTC',
      'Etc/GMT+5',
      'Asia/Kolkata',
      'US/Eastern',
      'America/Port-au-Prince',
    ];
    expect(names.filter((name) => !isTimezone(name))).toEqual([]);
    const wrong = [
      '',
      '+01:00',
      '-05',
      'Europe/Atlantis',
      'europe/berlin',
      'Local',
      'UTC+1',
      '../UTC',
      'Europe/Berlin\0',
      'E'.repeat(10_000),
    ];
    expect(wrong.filter(isTimezone)).toEqual([]);
  });

  test('localDaysBetween counts midnights, not times 24 hours', () => {
    expect(localDaysBetween(at('2026-03-27T23:00:00Z'), at('2026-03-30T22:00:00Z'), 'Europe/Berlin')).toBe(3);
    expect(localDaysBetween(at('2026-03-29T10:00:00Z'), at('2026-03-29T20:00:00Z'), 'Europe/Berlin')).toBe(0);
    expect(localDaysBetween(at('2026-03-29T21:59:59Z'), at('2026-03-29T22:00:00Z'), 'Europe/Berlin')).toBe(1);
  });

  test('startOfLocalDay is midnight, the end of the gap where midnight is skipped, the first where it comes twice', () => {
    expect(formatInstant(startOfLocalDay(at('2026-03-29T12:00:00Z'), 'Europe/Berlin'))).toBe('2026-03-28T23:00:00Z');
    expect(formatInstant(startOfLocalDay(at('2018-11-04T12:00:00Z'), 'America/Sao_Paulo'))).toBe('2018-11-04T03:00:00Z');
    expect(formatInstant(startOfLocalDay(at('2005-10-30T03:00:00Z'), 'America/St_Johns'))).toBe('2005-10-30T02:30:00Z');
  });

  test('every instant lies in the day it is said to lie in', () => {
    fc.assert(
      fc.property(timezones, instants, (timezone, ms) => {
        const date = localDateAt(ms, timezone);
        expect(startOfDateMs(date, timezone)).toBeLessThanOrEqual(ms);
        expect(startOfDateMs(date + 1, timezone)).toBeGreaterThan(ms);
      }),
    );
  });
});
