import type { Meter } from '@meterline/domain/meters';
import { wholeMonthsBefore } from '@meterline/domain/plan-fit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { UsageQuery, UsageRow } from '../ports/index.ts';
import { windowsBetween } from '@meterline/domain/time';
import { inMonthWindows } from './month-windows.ts';

const ZONES = ['Asia/Kolkata', 'Europe/Berlin'];
const meterOf = (aggregation: Meter['aggregation']) => ({ tenant: 't', key: `m_${aggregation}`, aggregation }) as Meter;

/** One row for each window, which says what was asked. */
function answer({ meter, subjects = [], fromMs, toMs, window }: UsageQuery): UsageRow[] {
  const ranges = window === undefined ? [{ fromMs, toMs }] : windowsBetween({ fromMs, toMs, ...window });
  return ranges.map((range) => ({
    ...{ windowFromMs: range.fromMs, windowToMs: range.toMs, subject: null, group: {}, events: 1 },
    value: JSON.stringify([meter.key, subjects, range.fromMs, range.toMs]),
  }));
}

const months = (timezone: string, aggregation: Meter['aggregation'], anchor: string | null, subject = 'a'): UsageQuery[] =>
  wholeMonthsBefore({
    anchorMs: anchor === null ? null : Date.parse(anchor),
    timezone,
    nowMs: Date.parse('2026-05-20T00:00:00Z'),
    count: 3,
  }).map(({ fromMs, toMs }) => ({ meter: meterOf(aggregation), fromMs, toMs, subjects: [subject] }));

test('calendar months of the same usage are one query, in the zone of the customer', () => {
  for (const zone of ZONES) {
    const { queries } = inMonthWindows(months(zone, 'max', null), ZONES);
    expect(queries).toMatchObject([{ window: { size: 'month', timezone: zone } }]);
  }
});

test('months of one’s own, and meters that look at time themselves, are asked for one by one', () => {
  const own = months('Europe/Berlin', 'sum', '2026-01-15T00:00:00Z');
  expect(inMonthWindows(own, ZONES).queries).toEqual(own);
  const sessions = months('Europe/Berlin', 'peak_concurrency', null);
  expect(inMonthWindows(sessions, ZONES).queries).toEqual(sessions);
});

test('a range of several months is asked for by itself, and keeps its months from nothing', () => {
  const each = months('UTC', 'sum', null);
  const [first, last] = [each[0], each.at(-1)];
  if (first === undefined || last === undefined) throw new Error('no months');
  const span = { ...first, toMs: last.toMs };
  const fewer = inMonthWindows([...each, span], ['UTC']);
  expect(fewer.queries).toMatchObject([{ window: { size: 'month' } }, span]);
  expect(fewer.distribute(fewer.queries.map(answer))).toEqual([...each, span].map(answer));
});

test('asked together or one by one, every query gets the same rows', () => {
  const some = fc.record({
    zone: fc.constantFrom('UTC', ...ZONES),
    aggregation: fc.constantFrom<Meter['aggregation']>('sum', 'unique_count', 'weighted_sum'),
    anchor: fc.constantFrom(null, '2026-01-31T00:00:00Z'),
    subject: fc.constantFrom('a', 'b'),
  });
  fc.assert(
    fc.property(
      fc.uniqueArray(some, { selector: (one) => JSON.stringify(one), maxLength: 6 }),
      fc.func(fc.nat()),
      (groups, order) => {
        const queries = groups
          .flatMap(({ zone, aggregation, anchor, subject }) => months(zone, aggregation, anchor, subject))
          .toSorted((a, b) => order(a) - order(b));
        const fewer = inMonthWindows(queries, ZONES);
        expect(fewer.distribute(fewer.queries.map(answer))).toEqual(queries.map(answer));
      },
    ),
  );
});
