import type { Aggregation, Meter } from '@meterline/domain/meters';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { UsageQuery, UsageReader, UsageRow } from '../ports/index.ts';
import { meterUsage, type UsageNeed } from './meter-usage.ts';

const VALUES: Readonly<Record<string, readonly number[]>> = { a: [3, 5], b: [7], c: [5, 5, 1], d: [] };

function meterOf(aggregation: Aggregation): Meter {
  const key = `m_${aggregation}`;
  return {
    tenant: 't',
    key,
    name: key,
    eventType: 'e',
    aggregation,
    valueProperty: '$.v',
    dimensions: {},
    filter: {},
    createdVersion: 1,
    archivedVersion: null,
  };
}

function fold(aggregation: Aggregation, values: readonly number[]): number {
  switch (aggregation) {
    case 'count':
      return values.length;
    case 'sum':
      return values.reduce((sum, value) => sum + value, 0);
    case 'max':
      return Math.max(...values);
    case 'min':
      return Math.min(...values);
    case 'latest':
      return values.at(-1) ?? 0;
    case 'unique_count':
      return new Set(values).size;
  }
}

/** Usage times the number of days asked for, so that bounds matter; a subject that does not exist has none. */
function reader(): UsageReader & { queries: UsageQuery[] } {
  const queries: UsageQuery[] = [];
  const answer = (query: UsageQuery): UsageRow[] => {
    const subjects = query.subjects ?? Object.keys(VALUES);
    const split = query.bySubject === true ? subjects.map((subject) => [subject]) : [subjects];
    return split.flatMap((together) => {
      const values = together.flatMap((subject) => VALUES[subject] ?? []);
      if (values.length === 0) return [];
      const value = String(fold(query.meter.aggregation, values) * ((query.toMs - query.fromMs) / 60_000));
      const subject = query.bySubject === true ? (together[0] ?? null) : null;
      return { windowFromMs: query.fromMs, windowToMs: query.toMs, subject, group: {}, value, events: values.length };
    });
  };
  return {
    queries,
    usage: () => Promise.reject(new Error('one query at a time is not how spend is read')),
    async usageAll(asked, cut = [9]) {
      queries.push(...asked);
      return { results: asked.map(answer), cut };
    },
  };
}

const need = (aggregation: Aggregation, subjects: readonly string[], minutes = 1): UsageNeed => ({
  meter: meterOf(aggregation),
  fromMs: 0,
  toMs: minutes * 60_000,
  subjects,
  filter: {},
});

test('a thousand customers of one meter and period cost one query', async () => {
  const usage = reader();
  const needs = Array.from({ length: 1000 }, (_, i) => need('sum', [`x${i}`, `y${i}`]));
  expect((await meterUsage(usage, [...needs, need('sum', ['a', 'b'])])).usage.at(-1)).toEqual({ quantity: '15', events: 3 });
  expect(usage.queries).toHaveLength(1);
});

test('the maximum of several subjects is asked for together, as it is no sum', async () => {
  const usage = reader();
  const { usage: answers } = await meterUsage(usage, [need('max', ['a', 'b']), need('max', ['b', 'c']), need('max', ['c'])]);
  expect(answers.map((answer) => answer.quantity)).toEqual(['7', '7', '5']);
  expect(usage.queries.map((query) => query.bySubject)).toEqual([undefined, undefined, undefined]);
});

test('a customer without subjects has no usage, and nobody else’s', async () => {
  const usage = reader();
  expect((await meterUsage(usage, [need('count', [])])).usage).toEqual([{ quantity: '0', events: 0 }]);
  expect(usage.queries).toEqual([]);
});

test('asked together or one by one, every need gets the same answer', async () => {
  const aggregation = fc.constantFrom<Aggregation>('count', 'sum', 'max', 'min', 'latest', 'unique_count');
  const subjects = fc.subarray(['a', 'b', 'c', 'd', 'unknown']);
  const needs = fc.array(
    fc
      .record({ aggregation, subjects, minutes: fc.integer({ min: 1, max: 3 }) })
      .map((each) => need(each.aggregation, each.subjects, each.minutes)),
    { maxLength: 12 },
  );
  await fc.assert(
    fc.asyncProperty(needs, async (all) => {
      const together = await meterUsage(reader(), all, [4]);
      const alone = await Promise.all(all.map(async (each) => (await meterUsage(reader(), [each], [4])).usage[0]));
      expect(together).toEqual({ usage: alone, cut: [4] });
    }),
  );
});
