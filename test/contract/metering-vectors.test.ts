import type { Aggregation, Meter } from '@meterline/domain/meters';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { followed } from '../support/lifecycle-vectors.ts';
import { openTestPipeline, type TestEvent, type TestPipeline } from '../support/pipeline.ts';

interface WindowCase {
  readonly id: string;
  readonly kind: string;
  readonly meter: { readonly aggregation: string; readonly valueProperty: string | null };
  readonly events?: readonly { readonly time: string; readonly type: string; readonly subject: string; readonly data: string }[];
  readonly query: {
    readonly from?: string;
    readonly to?: string;
    readonly windowSize: 'MINUTE' | 'DAY' | null;
    readonly timeZone?: string;
    readonly subjects?: readonly string[];
    readonly groupBy?: readonly string[];
  };
  readonly expected: { readonly rows: readonly { windowStart?: string; windowEnd?: string; value: string; subject?: string }[] };
}

const AGGREGATIONS: Readonly<Record<string, Aggregation>> = { SUM: 'sum', COUNT: 'count', AVG: 'average', LATEST: 'latest' };
const cases = followed<WindowCase>('meter_windows');

/** The last events of a case, of which 1,000 have one id, are told in words. */
function eventsOf({ id, events }: WindowCase): TestEvent[] {
  if (events !== undefined)
    return events.map(({ data, ...event }, index) => ({
      id: `${id}-${index}`,
      ...event,
      data: JSON.parse(data) as TestEvent['data'] & {},
    }));
  const DAY_MS = 86_400_000;
  return Array.from({ length: 1000 }, (_, index) => {
    const time = new Date(Date.parse('2025-01-15T00:00:00Z') - ((index * 7919) % 30) * DAY_MS).toISOString();
    return { id: 'the same', type: 'test-event', subject: 's', time, data: { value: index } };
  });
}

const ms = (text: string) => Date.parse(text);

describe('published cases of metering windows', () => {
  let pipeline: TestPipeline;
  beforeAll(async () => {
    pipeline = await openTestPipeline({ partitions: 2 });
  });
  afterAll(() => pipeline.close());

  it('are all here but for three', () => expect(cases).toHaveLength(7));

  it.each(cases.map((each) => [each.id, each] as const))('%s', async (id, vector) => {
    const { meter: given, query, expected } = vector;
    const events = eventsOf(vector).map((event) => ({ ...event, type: `${id} ${event.type ?? ''}` }));
    const aggregation = AGGREGATIONS[given.aggregation] as Aggregation;
    const fields: Partial<Meter> = { eventType: events[0]?.type ?? '', valueProperty: given.valueProperty };
    const meter = await pipeline.meter({ key: id.replaceAll('-', '_'), aggregation, ...fields });
    const times = events.map(({ time }) => ms(time ?? ''));
    const nowMs = Math.max(...times);
    await pipeline.append(events, nowMs);
    const { aggregator } = await pipeline.aggregator();
    await pipeline.settle(aggregator);

    // without bounds: the minutes from the first event to the last
    const minute = (time: number) => Math.floor(time / 60_000) * 60_000;
    const size = query.windowSize === 'MINUTE' ? 'minute' : 'day';
    const { rows } = await pipeline.reader.usage({
      meter,
      fromMs: query.from === undefined ? minute(Math.min(...times)) : ms(query.from),
      toMs: query.to === undefined ? minute(nowMs) + 60_000 : ms(query.to),
      ...(query.subjects === undefined ? {} : { subjects: query.subjects }),
      ...(query.groupBy?.includes('subject') === true ? { bySubject: true } : {}),
      ...(query.windowSize === null ? {} : { window: { size, timezone: query.timeZone ?? 'UTC' } }),
    });
    expect(
      rows.map(({ windowFromMs, windowToMs, subject, value }) => ({ windowFromMs, windowToMs, subject, value })),
    ).toMatchObject(
      expected.rows.map(({ windowStart, windowEnd, subject, value }) => ({
        ...(windowStart === undefined ? {} : { windowFromMs: ms(windowStart) }),
        ...(windowEnd === undefined ? {} : { windowToMs: ms(windowEnd) }),
        ...(subject === undefined ? {} : { subject }),
        value,
      })),
    );
    expect(rows).toHaveLength(expected.rows.length);
  });
});
