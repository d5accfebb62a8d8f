import type { Meter } from '@meterline/domain/meters';
import { expect, test } from 'vitest';
import type { UsageQuery, UsageReader } from '../ports/index.ts';
import { readOnce } from './read-once.ts';

const meter = { tenant: 't', key: 'calls', aggregation: 'sum' } as Meter;
const query = (fromMs: number): UsageQuery => ({ meter, fromMs, toMs: fromMs + 60_000, subjects: ['a'] });

function store(): UsageReader & { asked: number[] } {
  const asked: number[] = [];
  return {
    asked,
    usage: () => Promise.reject(new Error('not asked for here')),
    async eventValuesAll(queries) {
      asked.push(queries.length);
      return queries.map(() => [{ subject: null, group: {}, values: [{ value: '2.5', events: 4 }] }]);
    },
    async levelsAll(queries) {
      return queries.map(({ fromMs }) => [{ subject: null, group: {}, levels: [{ fromMs, level: '2.5' }], events: 0 }]);
    },
    async usageAll(queries, cut = [7]) {
      asked.push(queries.length);
      const rows = queries.map(({ fromMs, toMs }) => [
        { windowFromMs: fromMs, windowToMs: toMs, subject: null, group: {}, value: `${fromMs}.000000000001`, events: 3 },
      ]);
      return { results: rows, cut };
    },
  };
}

test('the store is asked once, together with what is wanted besides, and answered again as often as needed', async () => {
  const source = store();
  const once = readOnce(source, [query(5)], ['UTC']);
  const first = await once.reader.usageAll([query(1), query(2)]);
  expect(first.cut).toEqual([7]);
  expect(first.results.map(([row]) => row?.value)).toEqual(['1.000000000001', '2.000000000001']);
  expect(once.besides().map(([row]) => row?.value)).toEqual(['5.000000000001']);
  const twice = await once.scaled(2n).usageAll([query(2)], first.cut);
  expect(twice).toEqual({ results: [[{ ...first.results[1]?.[0], value: '4.000000000002', events: 6 }]], cut: [7] });
  expect((await once.scaled(1n).usageAll([query(1), query(2)], first.cut)).results).toEqual(first.results);
  expect(source.asked).toEqual([3]);
});

test('usage that was not read is not taken for none', async () => {
  const once = readOnce(store(), [], ['UTC']);
  await once.reader.usageAll([query(1)]);
  await expect(once.scaled(2n).usageAll([query(3)])).rejects.toThrow('usage of meter calls was not read before');
});

test('levels are twice as high', async () => {
  const once = readOnce(store(), [], ['UTC']);
  await once.reader.levelsAll([query(1)], [7]);
  expect(await once.scaled(2n).levelsAll([query(1)], [7])).toEqual([
    [{ subject: null, group: {}, levels: [{ fromMs: 1, level: '5' }], events: 0 }],
  ]);
});

test('single events come twice as often, with the same values; an average stays as it is', async () => {
  const once = readOnce(store(), [], ['UTC']);
  await once.reader.eventValuesAll([query(1)], [7]);
  expect(await once.scaled(2n).eventValuesAll([query(1)], [7])).toEqual([
    [{ subject: null, group: {}, values: [{ value: '2.5', events: 8 }] }],
  ]);
  const average = { ...query(1), meter: { ...meter, aggregation: 'average' } as Meter };
  const { results } = await once.reader.usageAll([average]);
  expect((await once.scaled(2n).usageAll([average])).results).toEqual([[{ ...results[0]?.[0], events: 6 }]]);
});

test('over a longer time a sum grows as much, to 12 decimals, and whole events come as often; what is no sum stays', async () => {
  const once = readOnce(store(), [], ['UTC']);
  const of = (more: Partial<Meter>) => ({ ...query(1), meter: { ...meter, ...more } });
  const asked = [
    query(1),
    of({ aggregation: 'unique_count' }),
    of({ aggregation: 'latest' }),
    of({ fold: { window: 'day', take: 'max' } }),
    of({ fold: { window: 'day', take: 'sum' } }),
    of({ aggregation: 'weighted_sum', level: { values: 'absolute', unit: 'hour' } }),
    of({ aggregation: 'weighted_sum', level: { values: 'absolute', unit: 'period' } }),
  ];
  await once.reader.usageAll(asked);
  // A year of 5 months at twice the usage: 12/5 of 2 * 1.000000000001 = 4.8000000000048
  const { results } = await once.scaled(2n, { numerator: 12n, denominator: 5n }).usageAll(asked, [7]);
  const [longer, asLong] = ['4.800000000005', '2.000000000002'];
  expect(results.map(([row]) => row?.value)).toEqual([longer, asLong, asLong, asLong, longer, longer, asLong]);
  // 12/5 of 2 * 3 = 14.4
  expect(results[0]?.[0]?.events).toBe(14);
  await once.reader.eventValuesAll([query(1)], [7]);
  expect(await once.scaled(1n, { numerator: 12n, denominator: 5n }).eventValuesAll([query(1)], [7])).toMatchObject([
    [{ values: [{ value: '2.5', events: 10 }] }],
  ]);
});
