import type { Aggregation, Meter } from '@meterline/domain/meters';
import type { MeteredUsage } from '@meterline/domain/rating';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { UsageQuery, UsageReader, UsageRow } from '../ports/index.ts';
import { meterUsage, type UsageNeed } from './meter-usage.ts';

const event = (value: number, media: string) => ({ value, media });
const EVENTS: Readonly<Record<string, readonly ReturnType<typeof event>[]>> = {
  a: [event(3, 'audio'), event(5, 'video')],
  b: [event(7, 'audio')],
  c: [event(5, 'video'), event(5, 'video'), event(1, 'audio')],
  d: [],
};
const ZONES = ['UTC', 'Asia/Kathmandu'];

function meterOf(aggregation: Aggregation, folded = false): Meter {
  const key = `m_${aggregation}_${folded}`;
  return {
    tenant: 't',
    key,
    name: key,
    eventType: 'e',
    aggregation,
    valueProperty: '$.v',
    dimensions: { media: '$.m' },
    filter: {},
    createdVersion: 1,
    archivedVersion: null,
    ...(folded ? { fold: { window: 'day', take: 'max' } } : {}),
  };
}

function fold(aggregation: Aggregation, values: readonly number[]): number {
  if (aggregation === 'count') return values.length;
  if (aggregation === 'max') return Math.max(...values);
  return aggregation === 'sum' ? values.reduce((sum, value) => sum + value, 0) : new Set(values).size;
}

function groupOf(media: string): Record<string, string> {
  return media === '' ? {} : { media };
}

/** Usage times the number of minutes asked for (and, of folded windows, the zone's number), so that bounds matter. */
function reader(): UsageReader & { queries: UsageQuery[]; eventQueries: UsageQuery[]; levelQueries: UsageQuery[] } {
  const queries: UsageQuery[] = [];
  const eventQueries: UsageQuery[] = [];
  const levelQueries: UsageQuery[] = [];
  const partsOf = (query: UsageQuery) => {
    const subjects = query.subjects ?? Object.keys(EVENTS);
    const split = query.bySubject === true ? subjects.map((subject) => [subject]) : [subjects];
    return split.flatMap((together) => {
      const events = together.flatMap((subject) => EVENTS[subject] ?? []);
      const groups = Map.groupBy(events, ({ media }) => (query.groupBy?.includes('media') === true ? media : ''));
      return [...groups].map(([media, those]) => ({
        subject: query.bySubject === true ? (together[0] ?? null) : null,
        group: groupOf(media),
        values: those.map(({ value }) => value),
      }));
    });
  };
  const answer = (query: UsageQuery): UsageRow[] =>
    partsOf(query).map(({ subject, group, values }) => {
      const factor = ((query.toMs - query.fromMs) / 60_000) * (1 + ZONES.indexOf(query.timezone ?? 'UTC'));
      const value = String(fold(query.meter.aggregation, values) * factor);
      return { windowFromMs: query.fromMs, windowToMs: query.toMs, subject, group, value, events: values.length };
    });
  return {
    queries,
    eventQueries,
    levelQueries,
    usage: () => Promise.reject(new Error('one query at a time is not how spend is read')),
    async usageAll(asked, cut = [9]) {
      queries.push(...asked);
      return { results: asked.map(answer), cut };
    },
    async levelsAll(asked, cut) {
      levelQueries.push(...asked.map((query) => ({ ...query, cut })));
      return asked.map(({ fromMs, subjects = [] }) => [
        { subject: null, group: {}, levels: [{ fromMs, level: String(subjects.length) }], events: 1 },
      ]);
    },
    async eventValuesAll(asked, cut) {
      eventQueries.push(...asked.map((query) => ({ ...query, cut })));
      return asked.map((query) =>
        partsOf(query).map(({ values, ...part }) => {
          const own = [...Map.groupBy(values, String)].map(([value, those]) => ({ value, events: those.length }));
          return { ...part, values: own };
        }),
      );
    },
  };
}

const need = (aggregation: Aggregation, subjects: readonly string[], fields: Partial<UsageNeed> = {}): UsageNeed => ({
  meter: meterOf(aggregation),
  fromMs: 0,
  toMs: 60_000,
  timezone: 'UTC',
  subjects,
  filter: {},
  detail: { dimensions: [], perEvent: false },
  ...fields,
});
const byMedia = { detail: { dimensions: ['media'], perEvent: false } };

test('a thousand customers of one meter and period cost one query', async () => {
  const usage = reader();
  const needs = Array.from({ length: 1000 }, (_, i) => need('sum', [`x${i}`, `y${i}`], { timezone: ZONES[i % 2] ?? '' }));
  expect((await meterUsage(usage, [...needs, need('sum', ['a', 'b'])])).usage.at(-1)).toEqual({ quantity: '15', events: 3 });
  expect(usage.queries).toHaveLength(1);
});

test('the maximum of several subjects is asked for together, as it is no sum', async () => {
  const usage = reader();
  const { usage: answers } = await meterUsage(usage, [need('max', ['a', 'b']), need('max', ['b', 'c']), need('max', ['c'])]);
  expect(answers.map((answer) => answer.quantity)).toEqual(['7', '7', '5']);
  expect(usage.queries.map((query) => query.bySubject)).toEqual([undefined, undefined, undefined]);
});

test('folded windows of several subjects are asked for together, and each in the zone of its customer', async () => {
  const usage = reader();
  const meter = meterOf('sum', true);
  const needs = [need('sum', ['a', 'b'], { meter }), ...ZONES.map((timezone) => need('sum', ['c'], { meter, timezone }))];
  // a and b in UTC: 15; c, 11 in all, in UTC and twice that in the other zone
  expect((await meterUsage(usage, needs)).usage.map(({ quantity }) => quantity)).toEqual(['15', '11', '22']);
  expect(usage.queries).toHaveLength(3);
});

test('customers whose windows would not fit into memory together are asked for in several queries', async () => {
  const usage = reader();
  const meter = { ...meterOf('sum', true), fold: { window: '5_minutes', take: 'max' } as const };
  const year = Array.from({ length: 10 }, (_, i) => need('sum', [`x${i}`], { meter, toMs: 365 * 86_400_000 }));
  await meterUsage(usage, year);
  // 105,120 windows a year: four subjects to a query
  expect(usage.queries.map(({ subjects }) => subjects?.length)).toEqual([4, 4, 2]);
});

test('usage by dimensions adds up to the total where it is a sum; where it is not, total and groups are each asked for', async () => {
  const usage = reader();
  const { usage: answers } = await meterUsage(usage, [need('sum', ['a', 'b'], byMedia), need('max', ['a', 'b'], byMedia)]);
  expect(answers).toEqual([
    {
      quantity: '15',
      events: 3,
      groups: [
        { dimensions: { media: 'audio' }, quantity: '10', events: 2 },
        { dimensions: { media: 'video' }, quantity: '5', events: 1 },
      ],
    },
    {
      quantity: '7',
      events: 3,
      groups: [
        { dimensions: { media: 'audio' }, quantity: '7', events: 2 },
        { dimensions: { media: 'video' }, quantity: '5', events: 1 },
      ],
    },
  ]);
  expect(usage.queries).toHaveLength(3);
});

test('values of single events come at the same cut, all together and for each group', async () => {
  const usage = reader();
  const detail = { dimensions: ['media'], perEvent: true };
  const { usage: answers } = await meterUsage(usage, [need('sum', ['a', 'c'], { detail }), need('sum', ['b'])]);
  const [audio, video] = [[{ value: '3', events: 1 }, { value: '1', events: 1 }], [{ value: '5', events: 3 }]]; // prettier-ignore
  expect(answers[0]?.groups).toEqual([
    { dimensions: { media: 'audio' }, quantity: '4', events: 2, values: audio },
    { dimensions: { media: 'video' }, quantity: '15', events: 3, values: video },
  ]);
  expect(answers[0]?.values).toEqual([...audio, ...video]);
  expect(answers[1]).toEqual({ quantity: '7', events: 1 });
  expect(usage.eventQueries.map(({ cut }) => cut)).toEqual([[9]]);
});

test('seats are read as the level they are held at, at the same cut, and not as a quantity', async () => {
  const usage = reader();
  const day = 86_400_000;
  const part = { fromMs: 0, toMs: day, days: 1 };
  const seats = { period: { ...part, daysInPeriod: 1 }, part };
  const needs = [need('latest', ['a', 'b'], { seats, toMs: day }), need('sum', ['b'])];
  const { usage: answers } = await meterUsage(usage, needs);
  expect(answers).toEqual([
    { quantity: '2', seatChanges: [], events: 1 },
    { quantity: '7', events: 1 },
  ]);
  expect([usage.queries.length, usage.levelQueries.map(({ cut }) => cut)]).toEqual([1, [[9]]]);
});

test('a customer without subjects has no usage, and nobody else’s', async () => {
  const usage = reader();
  const detail = { dimensions: ['media'], perEvent: true };
  const { usage: answers } = await meterUsage(usage, [need('count', []), need('count', [], { detail })]);
  expect(answers).toEqual([
    { quantity: '0', events: 0 },
    { quantity: '0', events: 0, groups: [], values: [] },
  ]);
  expect([...usage.queries, ...usage.eventQueries]).toEqual([]);
});

test('asked together or one by one, every need gets the same answer', async () => {
  const needs = fc.array(
    fc
      .record({
        aggregation: fc.constantFrom<Aggregation>('count', 'sum', 'max', 'unique_count'),
        folded: fc.boolean(),
        subjects: fc.subarray(['a', 'b', 'c', 'd', 'unknown']),
        minutes: fc.integer({ min: 1, max: 3 }),
        timezone: fc.constantFrom(...ZONES),
        dimensions: fc.subarray(['media']),
        perEvent: fc.boolean(),
      })
      .map(({ aggregation, folded, subjects, minutes, timezone, ...detail }) =>
        need(aggregation, subjects, { meter: meterOf(aggregation, folded), toMs: minutes * 60_000, timezone, detail }),
      ),
    { maxLength: 12 },
  );
  await fc.assert(
    fc.asyncProperty(needs, async (all) => {
      const together = await meterUsage(reader(), all, [4]);
      const alone = await Promise.all(all.map(async (each) => (await meterUsage(reader(), [each], [4])).usage[0]));
      expect(together.cut).toEqual([4]);
      expect(together.usage.map(inOrder)).toEqual(alone.map((each) => each && inOrder(each)));
    }),
  );
});

/** Values of events come in no particular order. */
function inOrder(usage: MeteredUsage): MeteredUsage {
  const sorted = <T extends { readonly values?: MeteredUsage['values'] }>(part: T): T =>
    part.values ? { ...part, values: part.values.toSorted((a, b) => (a.value < b.value ? -1 : 1)) } : part;
  return sorted(usage.groups ? { ...usage, groups: usage.groups.map(sorted) } : usage);
}
