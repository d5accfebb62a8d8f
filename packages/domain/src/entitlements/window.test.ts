import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatInstant, parseInstantMs } from '../time/index.ts';
import { entitlementWindow } from './index.ts';

const ms = (text: string): number => parseInstantMs(text) ?? NaN;
const MONTHLY = { every: 'month', anchor: 'anniversary' } as const;

type Period = Parameters<typeof entitlementWindow>[0];

function windowAt(period: Period, at: string, timezone = 'UTC') {
  const window = entitlementWindow(period, MONTHLY, { startsAtMs: ms('2026-03-11T09:00:00Z'), timezone }, ms(at));
  return window && [formatInstant(window.fromMs), formatInstant(window.toMs)];
}

test('a billing period is that of the subscription, weeks and months are those of the calendar, from its first day on', () => {
  // 11 March 2026 is a Wednesday.
  expect(windowAt('billing_period', '2026-04-10T23:59:59Z')).toEqual(['2026-03-11T00:00:00Z', '2026-04-11T00:00:00Z']);
  expect(windowAt('week', '2026-03-12T00:00:00Z')).toEqual(['2026-03-11T00:00:00Z', '2026-03-16T00:00:00Z']);
  expect(windowAt('week', '2026-03-16T00:00:00Z')).toEqual(['2026-03-16T00:00:00Z', '2026-03-23T00:00:00Z']);
  expect(windowAt('month', '2026-03-31T00:00:00Z')).toEqual(['2026-03-11T00:00:00Z', '2026-04-01T00:00:00Z']);
  expect(windowAt('month', '2026-04-01T00:00:00Z')).toEqual(['2026-04-01T00:00:00Z', '2026-05-01T00:00:00Z']);
  expect(windowAt('day', '2026-03-11T08:00:00Z')).toEqual(['2026-03-11T00:00:00Z', '2026-03-12T00:00:00Z']);
});

test('before its first day there is none', () => {
  for (const period of ['billing_period', 'day', 'week', 'month'] as const)
    expect(windowAt(period, '2026-03-10T23:59:59Z')).toBeUndefined();
});

test("days are those of the customer's zone, also where the clock changes", () => {
  // Berlin goes to summer time on 29 March 2026: that day has 23 hours.
  expect(windowAt('day', '2026-03-29T12:00:00Z', 'Europe/Berlin')).toEqual(['2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z']);
});

test('the windows of any period tile time', () => {
  const startsAtMs = ms('2026-01-31T15:00:00Z');
  const property = fc.property(
    fc.constantFrom<Period[]>('billing_period', 'day', 'week', 'month'),
    fc.constantFrom('UTC', 'Europe/Berlin', 'America/St_Johns', 'Pacific/Apia', 'Asia/Kolkata'),
    fc.integer({ min: startsAtMs + 86_400_000, max: startsAtMs + 3 * 365 * 86_400_000 }),
    (period, timezone, atMs) => {
      const at = (instant: number) => entitlementWindow(period, MONTHLY, { startsAtMs, timezone }, instant);
      const window = at(atMs);
      if (window === undefined) throw new Error('no window');
      expect(window.fromMs).toBeLessThanOrEqual(atMs);
      expect(window.toMs).toBeGreaterThan(atMs);
      expect(at(window.toMs - 1)).toEqual(window);
      expect(at(window.toMs)?.fromMs).toBe(window.toMs);
    },
  );
  fc.assert(property, { numRuns: 200 });
});
