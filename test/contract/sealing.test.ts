import { afterAll, beforeAll, expect, it } from 'vitest';
import { compactPass } from '@meterline/pipeline/aggregation';
import { clickhouseRollupStore } from '@meterline/backends/clickhouse';
import { postgresRollupLedger } from '@meterline/backends/postgres';
import { LeaseLostError } from '@meterline/pipeline/ports';
import { reconcile } from '@meterline/pipeline/reconcile';
import { openTestPipeline, type TestPipeline } from '../support/pipeline.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');
let pipeline: TestPipeline;

beforeAll(async () => {
  pipeline = await openTestPipeline();
});
afterAll(() => pipeline.close());

const events = (prefix: string) =>
  Array.from({ length: 20 }, (_, n) => ({ id: `${prefix}${n}`, subject: `s${n % 3}`, data: { value: '0.5' } }));

it('writes again from the log what a power cut took from the usage store after the commit', async () => {
  const meter = await pipeline.meter({ key: 'sum', aggregation: 'sum' });
  const { aggregator } = await pipeline.aggregator({ segmentRecordsMax: 7 });
  await pipeline.append(events('a'), NOW);
  while ((await aggregator.cycle()).records > 0);
  for (const table of ['event', 'event_key', 'usage_delta']) await pipeline.client.command({ query: `truncate table ${table}` });
  const check = () => reconcile({ ...pipeline, meters: async () => [{ meter, backfilled: false }] });
  expect((await check()).invariants.find(({ name }) => name.startsWith('stored rows'))?.holds).toBe(false);
  await pipeline.settle(aggregator);
  const after = await check();
  expect(after.invariants.flatMap(({ differences }) => differences)).toEqual([]);
  // 20 events of 0.5
  const { rows } = await pipeline.reader.usage({ meter, fromMs: NOW - 3_600_000, toMs: NOW + 3_600_000 });
  expect(rows.map(({ value, events: counted }) => [value, counted])).toEqual([['10', 20]]);
});

it('refuses an owner whose partition was taken over, at plan and at commit, and counts nothing twice', async () => {
  let resume: () => void = () => undefined;
  const paused = new Promise<void>((resolve) => (resume = resolve));
  let reached: () => void = () => undefined;
  const atWritten = new Promise<void>((resolve) => (reached = resolve));
  const stale = await pipeline.aggregator({
    onStep: async (step) => {
      if (step !== 'written') return;
      reached();
      await paused;
    },
  });
  await pipeline.append(events('b'), NOW);
  const late = stale.aggregator.cycle();
  await atWritten;
  const { aggregator } = await pipeline.aggregator();
  await pipeline.settle(aggregator);
  await pipeline.append(events('c'), NOW);
  await pipeline.settle(aggregator);
  resume();
  await expect(late).rejects.toThrow(LeaseLostError);
  await expect(stale.aggregator.cycle()).rejects.toThrow(LeaseLostError);
  const result = await reconcile({ ...pipeline, meters: async () => [] });
  expect(result.invariants.flatMap(({ differences }) => differences)).toEqual([]);
  expect(result.cut).toEqual([60]);
});

it('joins the segments of a rolled-up range, and the joined account still matches what is stored', async () => {
  const ports = {
    logId: pipeline.log.logId,
    ledger: postgresRollupLedger(pipeline.database),
    store: clickhouseRollupStore(pipeline.client),
  };
  const before = await pipeline.ledger.segments(pipeline.log.logId, 0);
  const ranges = await compactPass(ports, NOW, { segmentsMin: 2, segmentsMax: 1000, maxAgeMs: 3_600_000 });
  expect(ranges).toEqual([{ partition: 0, start: 0, end: 60 }]);
  const after = await pipeline.ledger.segments(pipeline.log.logId, 0);
  expect(before.length).toBeGreaterThan(after.length);
  expect(after.map(({ start, end }) => [start, end])).toEqual([[0, 60]]);
  expect((await reconcile({ ...pipeline, meters: async () => [] })).holds).toBe(true);
});
