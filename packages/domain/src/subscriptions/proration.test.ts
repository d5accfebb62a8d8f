import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseInstantMs, startOfDateMs, localDateAt } from '../time/index.ts';
import { type BillingCadence, billingPeriodAt, type BillingPeriod } from './billing-period.ts';
import { feeShare } from './proration.ts';

const DAY_MS = 86_400_000;

function at(text: string): number {
  const ms = parseInstantMs(text);
  if (ms === undefined) throw new Error(`not an instant: ${text}`);
  return ms;
}

function share(cadence: BillingCadence, timezone: string, startsAt: string, endsAt: string | null, of = endsAt ?? startsAt) {
  const subscription = { startsAtMs: at(startsAt), endsAtMs: endsAt === null ? null : at(endsAt), timezone };
  const period = billingPeriodAt(cadence, subscription, at(of));
  if (period === undefined) throw new Error('no period');
  const { numerator, denominator, unit } = feeShare(period);
  return `${numerator}/${denominator}${unit === undefined ? '' : ` ${unit}`}`;
}

const month = (anchor: BillingCadence['anchor'], proration?: BillingCadence['proration']): BillingCadence => ({
  every: 'month',
  anchor,
  ...(proration && { proration }),
});

describe('the share of the fees of a billing period', () => {
  test('is by whole local days unless the plan says otherwise', () => {
    const from20thTo25th = ['Europe/Berlin', '2026-04-20T17:30:00Z', '2026-04-25T08:00:00Z'] as const;
    expect(share(month('calendar'), ...from20thTo25th)).toBe('6/30');
    expect(share(month('calendar', 'day'), ...from20thTo25th)).toBe('6/30');
  });

  test('by the second it is from the second of the start to the second of the end, of the seconds the period really has', () => {
    // 20 April 17:30 to 25 April 08:00 is 4 * 86,400 + 14.5 * 3,600 = 397,800 s; April has 30 * 86,400 = 2,592,000 s.
    expect(share(month('calendar', 'second'), 'UTC', '2026-04-20T17:30:00Z', '2026-04-25T08:00:00Z')).toBe(
      '397800/2592000 second',
    );
    // The clocks of Berlin go forward on 29 March 2026: 743 h. From the 29th 00:00 local (28th 23:00 UTC) on there are 71 h.
    expect(share(month('calendar', 'second'), 'Europe/Berlin', '2026-03-28T23:00:00Z', null)).toBe(
      `${71 * 3600}/${743 * 3600} second`,
    );
    // Within a second nothing is split.
    expect(share(month('calendar', 'second'), 'UTC', '2026-04-30T23:59:58.999Z', null)).toBe('2/2592000 second');
  });

  test('by the second the first anniversary period is whole, as it began with the day of the start', () => {
    expect(share(month('anniversary', 'second'), 'UTC', '2026-01-31T14:00:00Z', null)).toBe('2419200/2419200 second');
    // Ends on 14 February at 14:00: 14 days and 14 h of the 28 days from 31 January.
    expect(share(month('anniversary', 'second'), 'UTC', '2026-01-31T14:00:00Z', '2026-02-14T14:00:00Z')).toBe(
      `${(14 * 24 + 14) * 3600}/2419200 second`,
    );
  });

  test('without proration it is the whole fee, however short the part', () => {
    expect(share(month('calendar', 'none'), 'UTC', '2026-04-30T23:00:00Z', null)).toBe('1/1');
    expect(share(month('calendar', 'none'), 'UTC', '2026-04-20T00:00:00Z', '2026-04-25T08:00:00Z')).toBe('6/6');
  });

  const timezones = fc.constantFrom(...Intl.supportedValuesOf('timeZone'), 'UTC');
  const cadence = (proration: 'day' | 'second'): fc.Arbitrary<BillingCadence> =>
    fc.record({
      every: fc.constantFrom('week', 'month', 'quarter', 'half_year', 'year'),
      anchor: fc.constant('calendar'),
      proration: fc.constant(proration),
    });
  const instants = fc.integer({ min: Date.UTC(1973, 0, 1), max: Date.UTC(2060, 0, 1) });
  const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 });

  /** The period around `ms`, as a subscription that has always been there sees it. */
  const wholePeriod = (rule: BillingCadence, timezone: string, ms: number): BillingPeriod => {
    const period = billingPeriodAt(rule, { startsAtMs: ms - 800 * DAY_MS, endsAtMs: null, timezone }, ms);
    if (period === undefined) throw new Error('no period');
    return period;
  };
  const inOrder = (whole: BillingPeriod, places: readonly number[]): number[] =>
    places.map((place) => whole.fromMs + Math.floor(place * (whole.toMs - whole.fromMs - 1))).toSorted((a, b) => a - b);

  test('by the second: subscriptions that follow on each other at any instants pay together exactly one whole fee', () => {
    fc.assert(
      fc.property(timezones, cadence('second'), instants, cuts, (timezone, rule, ms, places) => {
        const whole = wholePeriod(rule, timezone, ms);
        const instantsOfChange = inOrder(whole, places);
        const starts = [whole.fromMs, ...instantsOfChange];
        const shares = starts.map((startsAtMs, index) => {
          const period = billingPeriodAt(rule, { startsAtMs, endsAtMs: instantsOfChange[index] ?? null, timezone }, startsAtMs);
          if (period === undefined) throw new Error('no period');
          return feeShare(period);
        });
        const { denominator } = feeShare(whole);
        expect(shares.every((one) => one.denominator === denominator && one.numerator >= 0)).toBe(true);
        expect(shares.reduce((sum, { numerator }) => sum + numerator, 0)).toBe(denominator);
      }),
    );
  });

  test('by the day: subscriptions that follow on each other from one day to the next pay together exactly one whole fee', () => {
    fc.assert(
      fc.property(timezones, cadence('day'), instants, cuts, (timezone, rule, ms, places) => {
        const whole = wholePeriod(rule, timezone, ms);
        const dates = [...new Set(inOrder(whole, places).map((instant) => localDateAt(instant, timezone)))];
        const first = localDateAt(whole.fromMs, timezone);
        const lastDates = dates.filter((date) => date < localDateAt(whole.toMs - 1, timezone));
        const starts = [first, ...lastDates.map((date) => date + 1)];
        const shares = starts.map((date, index) => {
          const lastDate = lastDates[index];
          const subscription = {
            startsAtMs: startOfDateMs(date, timezone),
            endsAtMs: lastDate === undefined ? null : startOfDateMs(lastDate, timezone),
            timezone,
          };
          return billingPeriodAt(rule, subscription, subscription.startsAtMs);
        });
        const days = shares.reduce((sum, period) => sum + (period === undefined ? 0 : feeShare(period).numerator), 0);
        expect(days).toBe(feeShare(whole).denominator);
      }),
    );
  });

  test('the parts of a period in which prices differ share what it pays, in every way of prorating', () => {
    const prorations = fc.constantFrom<BillingCadence['proration']>('day', 'second', 'none');
    fc.assert(
      fc.property(
        timezones,
        cadence('day'),
        prorations,
        instants,
        fc.nat(200 * DAY_MS),
        cuts,
        (timezone, rule, proration, ms, length, places) => {
          const subscription = { startsAtMs: ms, endsAtMs: ms + length, timezone };
          const period = billingPeriodAt({ ...rule, proration }, subscription, ms);
          if (period === undefined) throw new Error('no period');
          const bounds = [period.fromMs, ...inOrder(period, places), period.toMs];
          const parts = bounds.slice(1).map((toMs, index) => {
            const fromMs = bounds[index] ?? 0;
            return { fromMs, toMs, days: localDateAt(toMs, timezone) - localDateAt(fromMs, timezone) };
          });
          const paid = parts.reduce((sum, part) => sum + feeShare(period, part).numerator, 0);
          expect(paid).toBe(feeShare(period).numerator);
          expect(paid).toBeLessThanOrEqual(feeShare(period).denominator);
        },
      ),
    );
  });
});
