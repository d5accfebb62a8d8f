import { formatInstant, localDateAt, localDaysBetween, parseInstantMs, startOfLocalDay } from '../time/index.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { billingPeriodAt, billingPeriods, billingPeriodSchema, usageInvoicedTo } from './billing-period.ts';
import type { BillingCadence } from './billing-period.ts';

const DAY_MS = 86_400_000;

function at(text: string): number {
  const ms = parseInstantMs(text);
  if (ms === undefined) throw new Error(`not an instant: ${text}`);
  return ms;
}

function shown(cadence: BillingCadence, timezone: string, startsAt: string, endsAt: string | null, until: string) {
  const subscription = { startsAtMs: at(startsAt), endsAtMs: endsAt === null ? null : at(endsAt), timezone };
  return billingPeriods(cadence, subscription, { untilMs: at(until) }).map(({ fromMs, toMs, days, daysInPeriod }) => [
    formatInstant(fromMs),
    formatInstant(toMs),
    days,
    daysInPeriod,
  ]);
}

describe('billing periods', () => {
  test('the first calendar period is partial and counts its start day wholly, in the zone of the customer', () => {
    expect(
      shown({ every: 'month', anchor: 'calendar' }, 'Europe/Berlin', '2026-03-20T17:30:00Z', null, '2026-05-01T00:00:00Z'),
    ).toEqual([
      ['2026-03-19T23:00:00Z', '2026-03-31T22:00:00Z', 12, 31],
      ['2026-03-31T22:00:00Z', '2026-04-30T22:00:00Z', 30, 30],
      ['2026-04-30T22:00:00Z', '2026-05-31T22:00:00Z', 31, 31],
    ]);
  });

  test('calendar half-years begin in January and July, those of an anniversary where they may: 31 August, 29 February', () => {
    expect(
      shown({ every: 'half_year', anchor: 'calendar' }, 'UTC', '2026-05-01T00:00:00Z', null, '2026-12-31T00:00:00Z'),
    ).toEqual([
      ['2026-05-01T00:00:00Z', '2026-07-01T00:00:00Z', 61, 181],
      ['2026-07-01T00:00:00Z', '2027-01-01T00:00:00Z', 184, 184],
    ]);
    expect(
      shown({ every: 'half_year', anchor: 'anniversary' }, 'UTC', '2027-08-31T00:00:00Z', null, '2028-03-01T00:00:00Z'),
    ).toEqual([
      ['2027-08-31T00:00:00Z', '2028-02-29T00:00:00Z', 182, 182],
      ['2028-02-29T00:00:00Z', '2028-08-31T00:00:00Z', 184, 184],
    ]);
  });

  test('a month end is counted from the anchor: 31 January, 28 February, 31 March', () => {
    expect(shown({ every: 'month', anchor: 'anniversary' }, 'UTC', '2026-01-31T08:00:00Z', null, '2026-04-01T00:00:00Z')).toEqual(
      [
        ['2026-01-31T00:00:00Z', '2026-02-28T00:00:00Z', 28, 28],
        ['2026-02-28T00:00:00Z', '2026-03-31T00:00:00Z', 31, 31],
        ['2026-03-31T00:00:00Z', '2026-04-30T00:00:00Z', 30, 30],
      ],
    );
  });

  test('a termination bills its own day and ends the last period after it', () => {
    expect(
      shown(
        { every: 'quarter', anchor: 'calendar' },
        'America/New_York',
        '2026-01-01T05:00:00Z',
        '2026-04-10T12:00:00Z',
        '2030-01-01T00:00:00Z',
      ),
    ).toEqual([
      ['2026-01-01T05:00:00Z', '2026-04-01T04:00:00Z', 90, 90],
      ['2026-04-01T04:00:00Z', '2026-04-11T04:00:00Z', 10, 91],
    ]);
  });

  test('a subscription that ends on the day it started bills one day, one that ended before it started none', () => {
    const week: BillingCadence = { every: 'week', anchor: 'calendar' };
    expect(shown(week, 'UTC', '2026-01-07T20:00:00Z', '2026-01-07T21:00:00Z', '2027-01-01T00:00:00Z')).toEqual([
      ['2026-01-07T00:00:00Z', '2026-01-08T00:00:00Z', 1, 7],
    ]);
    expect(shown(week, 'UTC', '2026-01-07T20:00:00Z', '2026-01-06T21:00:00Z', '2027-01-01T00:00:00Z')).toEqual([]);
  });

  test('outside the subscription there is no period', () => {
    const subscription = { startsAtMs: at('2026-01-07T20:00:00Z'), endsAtMs: at('2026-02-01T10:00:00Z'), timezone: 'UTC' };
    const found = (text: string) => billingPeriodAt({ every: 'month', anchor: 'anniversary' }, subscription, at(text))?.index;
    expect(found('2026-01-06T23:59:59.999Z')).toBeUndefined();
    expect(found('2026-01-07T00:00:00Z')).toBe(0);
    expect(found('2026-02-01T23:59:59.999Z')).toBe(0);
    expect(found('2026-02-02T00:00:00Z')).toBeUndefined();
  });

  const timezones = fc.constantFrom(...Intl.supportedValuesOf('timeZone'), 'UTC');
  const instants = fc.integer({ min: Date.UTC(1973, 0, 1), max: Date.UTC(2060, 0, 1) });
  const cadences = fc.record<BillingCadence>({
    every: fc.constantFrom('week', 'month', 'quarter', 'half_year', 'year'),
    anchor: fc.constantFrom('calendar', 'anniversary'),
    proration: fc.constantFrom('day', 'second', 'none'),
  });

  test('tile time from the start day to the end day without gap or overlap, for any zone, cadence and start', () => {
    fc.assert(
      fc.property(timezones, cadences, instants, fc.option(fc.nat(1_500 * DAY_MS)), (timezone, cadence, startsAtMs, lengthMs) => {
        const endsAtMs = lengthMs === null ? null : startsAtMs + lengthMs;
        const periods = billingPeriods(cadence, { startsAtMs, endsAtMs, timezone }, { untilMs: startsAtMs + 1_000 * DAY_MS });
        expect(periods[0]?.fromMs).toBe(startOfLocalDay(startsAtMs, timezone));
        periods.forEach((period, position) => {
          expect(period.index).toBe(position);
          expect(period.toMs).toBeGreaterThan(period.fromMs);
          expect(period.days).toBe(localDaysBetween(period.fromMs, period.toMs, timezone));
          expect(period.days).toBeLessThanOrEqual(period.daysInPeriod);
          expect(startOfLocalDay(period.toMs, timezone)).toBe(period.toMs);
          const next = periods[position + 1];
          if (next !== undefined) expect(next.fromMs).toBe(period.toMs);
        });
        const last = periods.at(-1);
        if (endsAtMs !== null && last !== undefined && last.toMs <= startsAtMs + 1_000 * DAY_MS) {
          expect(localDateAt(last.toMs, timezone)).toBe(localDateAt(endsAtMs, timezone) + 1);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('billingPeriodAt finds the same periods', () => {
    fc.assert(
      fc.property(
        timezones,
        cadences,
        instants,
        fc.option(fc.nat(900 * DAY_MS)),
        fc.nat(1_000 * DAY_MS),
        (timezone, cadence, startsAtMs, lengthMs, afterMs) => {
          const subscription = { startsAtMs, endsAtMs: lengthMs === null ? null : startsAtMs + lengthMs, timezone };
          const atMs = startsAtMs + afterMs;
          const periods = billingPeriods(cadence, subscription, { untilMs: atMs + 1 });
          const expected = periods.find((period) => period.fromMs <= atMs && atMs < period.toMs);
          expect(billingPeriodAt(cadence, subscription, atMs)).toEqual(expected);
          for (const period of periods.slice(-3)) {
            expect(billingPeriodAt(cadence, subscription, period.fromMs)).toEqual(period);
            expect(billingPeriodAt(cadence, subscription, period.toMs - 1)).toEqual(period);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test('usage within a period is invoiced up to the last month of it that is over, in the zone of the customer, and with its period at its end', () => {
    const monthly = { every: 'year', usageEvery: 'month' } as const;
    const to = (cadence: BillingCadence, startsAt: string, timezone: string, instant: string) => {
      const invoiced = usageInvoicedTo(cadence, { startsAtMs: at(startsAt), endsAtMs: null, timezone }, at(instant));
      return invoiced === undefined ? undefined : formatInstant(invoiced);
    };
    const calendar = (instant: string) =>
      to({ ...monthly, anchor: 'calendar' }, '2026-01-20T08:00:00Z', 'Europe/Berlin', instant);
    expect(calendar('2026-01-31T22:59:59Z')).toBeUndefined();
    expect(calendar('2026-01-31T23:00:00Z')).toBe('2026-01-31T23:00:00Z');
    expect(calendar('2026-12-31T22:59:59Z')).toBe('2026-11-30T23:00:00Z');
    expect(calendar('2026-12-31T23:00:00Z')).toBeUndefined(); // another year
    const anniversary = (instant: string) => to({ ...monthly, anchor: 'anniversary' }, '2026-01-31T08:00:00Z', 'UTC', instant);
    expect(anniversary('2026-02-27T23:59:59Z')).toBeUndefined();
    expect(anniversary('2026-03-30T12:00:00Z')).toBe('2026-02-28T00:00:00Z');
    expect(anniversary('2026-03-31T00:00:00Z')).toBe('2026-03-31T00:00:00Z');
    expect(to({ every: 'year', anchor: 'calendar' }, '2026-01-01T00:00:00Z', 'UTC', '2026-05-05T00:00:00Z')).toBeUndefined();
  });

  test('usage is invoiced more often than its period, or not by itself', () => {
    const accepts = (every: string, usageEvery: string) => billingPeriodSchema.safeParse({ every, anchor: 'calendar', usageEvery }).success; // prettier-ignore
    expect(accepts('year', 'half_year') && accepts('half_year', 'quarter') && accepts('quarter', 'month')).toBe(true);
    expect([
      accepts('month', 'month'),
      accepts('quarter', 'half_year'),
      accepts('week', 'month'),
      accepts('year', 'week'),
    ]).toEqual([false, false, false, false]);
  });

  test('the schema refuses other cadences and unknown fields', () => {
    expect(billingPeriodSchema.safeParse({ every: 'month', anchor: 'calendar' }).success).toBe(true);
    expect(billingPeriodSchema.safeParse({ every: 'half_year', anchor: 'calendar', proration: 'second' }).success).toBe(true);
    expect(billingPeriodSchema.safeParse({ every: 'month', anchor: 'calendar', proration: 'hour' }).success).toBe(false);
    expect(billingPeriodSchema.safeParse({ every: 'day', anchor: 'calendar' }).success).toBe(false);
    expect(billingPeriodSchema.safeParse({ every: 'month' }).success).toBe(false);
    expect(billingPeriodSchema.safeParse({ every: 'month', anchor: 'calendar', day: 3 }).success).toBe(false);
  });
});
