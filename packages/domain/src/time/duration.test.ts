import { expect, test } from 'vitest';
import { afterDuration, isDuration } from './duration.ts';

const after = (from: string, duration: string, timezone = 'UTC') => {
  const ms = afterDuration(Date.parse(from), duration, timezone);
  return ms === undefined ? undefined : new Date(ms).toISOString();
};

test('only what leads forward is a duration', () => {
  for (const text of ['P1M', 'P2W', 'P1DT12H', 'PT0.5S', 'P1Y2M3DT4H5M6S'])
    expect([text, isDuration(text)]).toEqual([text, true]);
  for (const text of ['', 'P', 'P0D', '-P1M', '1M', 'P1.5M', 'P-1D', 'month'])
    expect([text, isDuration(text)]).toEqual([text, false]);
});

test('a month is one of the calendar, and ends with it', () => {
  expect(after('2026-01-31T10:00:00Z', 'P1M')).toBe('2026-02-28T10:00:00.000Z');
  expect(after('2024-02-29T00:00:00Z', 'P1Y')).toBe('2025-02-28T00:00:00.000Z');
  expect(after('2026-01-01T00:00:00.500Z', 'P1DT12H')).toBe('2026-01-02T12:00:00.500Z');
});

test('a day keeps the time of the day over a change of clocks, 24 hours do not', () => {
  // Berlin goes from +01:00 to +02:00 in the night to 29 March 2026.
  expect(after('2026-03-28T11:00:00Z', 'P1D', 'Europe/Berlin')).toBe('2026-03-29T10:00:00.000Z');
  expect(after('2026-03-28T11:00:00Z', 'PT24H', 'Europe/Berlin')).toBe('2026-03-29T11:00:00.000Z');
});

test('beyond the calendar there is no instant', () => {
  expect(after('2026-01-01T00:00:00Z', 'P999999Y')).toBeUndefined();
});
