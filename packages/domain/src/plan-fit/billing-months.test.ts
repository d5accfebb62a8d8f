import fc from 'fast-check';
import { expect, test } from 'vitest';
import { billingPeriods } from '../subscriptions/index.ts';
import { formatInstant } from '../time/index.ts';
import { wholeMonthsBefore } from './billing-months.ts';

const months = (anchor: string | null, timezone: string, now: string, count = 3): string[] =>
  wholeMonthsBefore({ anchorMs: anchor === null ? null : Date.parse(anchor), timezone, nowMs: Date.parse(now), count }).map(
    ({ fromMs, toMs, days }) => `${formatInstant(fromMs)} ${formatInstant(toMs)} ${days}`,
  );

test('calendar months end before the one that is going on, in the zone of the customer', () => {
  expect(months(null, 'Asia/Shanghai', '2026-02-28T16:00:00Z')).toEqual([
    '2025-11-30T16:00:00Z 2025-12-31T16:00:00Z 31',
    '2025-12-31T16:00:00Z 2026-01-31T16:00:00Z 31',
    '2026-01-31T16:00:00Z 2026-02-28T16:00:00Z 28',
  ]);
});

test('months counted from the 31st keep their day, before the anchor and after it', () => {
  expect(months('2026-01-31T00:00:00Z', 'UTC', '2026-03-30T23:59:59Z')).toEqual([
    '2025-11-30T00:00:00Z 2025-12-31T00:00:00Z 31',
    '2025-12-31T00:00:00Z 2026-01-31T00:00:00Z 31',
    '2026-01-31T00:00:00Z 2026-02-28T00:00:00Z 28',
  ]);
});

test('they are the billing periods of a subscription that has been going on', () => {
  const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kolkata');
  const start = fc.integer({ min: Date.parse('2020-01-01T00:00:00Z'), max: Date.parse('2025-01-01T00:00:00Z') });
  fc.assert(
    fc.property(zone, start, fc.nat(800), fc.constantFrom('calendar', 'anniversary'), (timezone, startsAtMs, days, anchor) => {
      const nowMs = startsAtMs + (250 + days) * 86_400_000;
      const whole = wholeMonthsBefore({ anchorMs: anchor === 'calendar' ? null : startsAtMs, timezone, nowMs, count: 6 });
      const ended = billingPeriods({ every: 'month', anchor }, { startsAtMs, endsAtMs: null, timezone }, { untilMs: nowMs });
      expect(whole.map(({ daysInYear: _daysInYear, ...month }) => month)).toEqual(
        ended.filter(({ toMs }) => toMs <= nowMs).slice(-6).map(({ index: _index, ...period }) => period), // prettier-ignore
      );
    }),
  );
});
