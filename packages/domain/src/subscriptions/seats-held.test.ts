import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as ratio from '../money/ratio.ts';
import type { PerSeatPrice } from '../prices/index.ts';
import { rateCardCharge } from '../rating/index.ts';
import { windowsBetween } from '../time/index.ts';
import { billingPeriodAt, feeShare, seatsHeld } from './index.ts';

const HOUR_MS = 3_600_000;
const ZONE = 'America/New_York';
const at = (text: string) => Date.parse(text);

function march(proration: 'day' | 'second' | 'none', span: { startsAt?: string; endsAt?: string } = {}) {
  const { startsAt = '2026-02-01T12:00:00Z', endsAt } = span;
  const subscription = { startsAtMs: at(startsAt), endsAtMs: endsAt === undefined ? null : at(endsAt), timezone: ZONE };
  const period = billingPeriodAt({ every: 'month', anchor: 'calendar', proration }, subscription, at('2026-03-20T12:00:00Z'));
  if (period === undefined) throw new Error('20 March lies in a period');
  return period;
}
const held = (period: ReturnType<typeof march>, ...levels: [from: string, level: string][]) =>
  seatsHeld(
    levels.map(([from, level]) => ({ fromMs: at(from), level })),
    { period, part: period, timezone: ZONE },
  );
/** Midnight of 1 March in New York, before its clocks change on the 8th. */
const START = '2026-03-01T05:00:00Z';

describe('by days', () => {
  test('a local day has the seats that it ends with, and a change is held for what is left of the period', () => {
    const seats = held(march('day'), [START, '5'], ['2026-03-11T03:30:00Z', '9'], ['2026-03-11T03:59:59Z', '7'], ['2026-03-11T04:00:00Z', '6']); // prettier-ignore
    // 23:59:59 of the 10th in New York: 22 of 31 days; midnight of the 11th: 21.
    expect(seats).toEqual({ quantity: '5', seatChanges: [{ seats: '2', days: 22 }, { seats: '-1', days: 21 }] }); // prettier-ignore
  });

  test('what changes on the first day was never held before, and what comes back within a day was never gone', () => {
    const seats = held(march('day'), [START, '5'], ['2026-03-01T20:00:00Z', '8'], ['2026-03-20T14:00:00Z', '1'], ['2026-03-20T15:00:00Z', '8']); // prettier-ignore
    expect(seats).toEqual({ quantity: '8', seatChanges: [] });
  });

  test('a day on which the price changes belongs to the part that ends it', () => {
    const period = march('day');
    const part = { fromMs: period.fromMs, toMs: at('2026-03-10T18:00:00Z'), days: 9 };
    const levels = [{ fromMs: period.fromMs, level: '5' }, { fromMs: at('2026-03-10T14:00:00Z'), level: '9' }]; // prettier-ignore
    expect(seatsHeld(levels, { period, part, timezone: ZONE })).toEqual({ quantity: '5', seatChanges: [] });
  });
});

test('by seconds, a change is held to the second of the end', () => {
  const period = march('second', { startsAt: '2026-03-10T12:00:00Z', endsAt: '2026-03-20T12:00:00Z' });
  // Before the subscription began there were 2; 4 at its start, 7 two days before its end.
  const seats = held(period, ['2026-03-10T04:00:00Z', '2'], ['2026-03-10T11:00:00Z', '4'], ['2026-03-18T12:00:00.700Z', '7']);
  expect(seats).toEqual({ quantity: '4', seatChanges: [{ seats: '3', days: 2 * 86_400 }] });
});

test('where fees are not shared, every seat that was held at once pays', () => {
  expect(held(march('none'), [START, '2'], ['2026-03-10T12:00:00Z', '6'], ['2026-03-11T12:00:00Z', '3'])).toEqual({
    quantity: '6',
    seatChanges: [],
  });
});

test('without a level, or below zero, there are none', () => {
  expect(held(march('day'))).toEqual({ quantity: '0', seatChanges: [] });
  expect(held(march('day'), [START, '-3'], ['2026-03-31T12:00:00Z', '2'])).toEqual({
    quantity: '0',
    seatChanges: [{ seats: '2', days: 1 }],
  });
});

test('seats cost what each of the billed days costs by itself', () => {
  const change = fc.record({ hour: fc.nat(30 * 24), level: fc.integer({ min: -2, max: 20 }) });
  const some = fc.option(fc.nat(8), { nil: undefined });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 12 }), fc.nat(19), some, some, (changes, startDay, includedSeats, minimumSeats) => {
      const period = march('day', { startsAt: new Date(at('2026-03-01T17:00:00Z') + startDay * 24 * HOUR_MS).toISOString() });
      const steps = changes.map(({ hour, level }) => ({ fromMs: period.fromMs + hour * HOUR_MS, level }));
      const inOrder = [...new Map(steps.map((step) => [step.fromMs, step])).values()]
        .filter(({ fromMs }) => fromMs < period.toMs)
        .toSorted((a, b) => a.fromMs - b.fromMs);
      const price: PerSeatPrice = {
        ...{ model: 'per_seat', seatAmount: '31' },
        ...(includedSeats !== undefined && { includedSeats: String(includedSeats) }),
        ...(minimumSeats !== undefined && { minimumSeats: String(minimumSeats) }),
      };
      const usage = seatsHeld(
        inOrder.map(({ fromMs, level }) => ({ fromMs, level: String(level) })),
        { period, part: period, timezone: ZONE },
      );
      const { numerator, denominator } = feeShare(period);
      const { exactAmount } = rateCardCharge({
        currency: 'USD',
        rateCard: { key: 'seats', name: 'Seats', meter: 'seats', price },
        usage: { ...usage, events: 0 },
        ...{ prorationNumerator: numerator, prorationDenominator: denominator },
      });
      // March has 31 days and a seat costs 31: each billed day is worth the seats it ends with.
      const expected = windowsBetween({ ...period, size: 'day', timezone: ZONE }).map(({ toMs }) => {
        const level = inOrder.filter(({ fromMs }) => fromMs < toMs).at(-1)?.level ?? 0;
        return Math.max(Math.max(level, 0, minimumSeats ?? 0) - (includedSeats ?? 0), 0);
      });
      expect(ratio.compare(ratio.read(exactAmount), ratio.whole(BigInt(expected.reduce((sum, seats) => sum + seats, 0))))).toBe(
        0,
      );
    }),
  );
});
