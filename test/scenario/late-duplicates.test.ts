import { afterAll, beforeAll, expect, it } from 'vitest';
import { openTestPipeline } from '../support/pipeline.ts';

type Pipeline = Awaited<ReturnType<typeof openTestPipeline>>;

const JANUARY = Date.parse('2026-01-05T00:00:00Z');
const DAY_MS = 86_400_000;

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await openTestPipeline();
});
afterAll(() => pipeline.close());

it('a repeated id that waited in the log for months is refused by an owner that starts then', async () => {
  const calls = await pipeline.meter({ key: 'calls', aggregation: 'count' });
  await pipeline.append([{ id: 'once' }], JANUARY);
  const { aggregator, warmed } = await pipeline.aggregator();
  await warmed;
  await pipeline.settle(aggregator);

  await pipeline.append([{ id: 'once' }, { id: 'other' }], JANUARY + 10 * DAY_MS);
  const later = await pipeline.aggregator();
  await later.warmed;
  await pipeline.settle(later.aggregator);

  const { rows } = await pipeline.reader.usage({ meter: calls, fromMs: JANUARY, toMs: JANUARY + 30 * DAY_MS });
  expect(rows.map(({ value, events }) => [value, events])).toEqual([['2', 2]]);
});
