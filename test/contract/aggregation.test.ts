import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Meter } from '@meterline/domain/meters';
import { compactPass } from '@meterline/pipeline/aggregation';
import { clickhouseRollupStore } from '@meterline/backends/clickhouse';
import { postgresBackfillStore, postgresRollupLedger } from '@meterline/backends/postgres';
import { runBackfill } from '@meterline/pipeline/backfill';
import { reconcile } from '@meterline/pipeline/reconcile';
import type { UsageStore } from '@meterline/pipeline/ports';
import { openTestPipeline, type TestEvent, type TestPipeline } from '../support/pipeline.ts';
import { modelUsage, seededRandom } from '../support/usage-model.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');
const FROM = Date.parse('2026-11-18T00:00:00Z');
const TO = Date.parse('2026-11-21T00:00:00Z');

const random = seededRandom(20261122);
const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;

/** Records as clients send them: a fifth repeats, some conflict, some are withdrawn or replaced, some are hopeless. */
function randomRecords(count: number, prefix: string): (TestEvent & { kind?: 'event' | 'void' | 'replace' })[] {
  const sent: TestEvent[] = [];
  const fresh = (id: string): TestEvent => ({
    id,
    subject: pick(['ann', 'bob', 'cyd']),
    time: new Date(FROM + Math.floor(random() * (NOW - FROM))).toISOString(),
    data: {
      value: pick(['0.1', '2', '3.25', 7, '-1', '1e-3']),
      user: pick(['u1', 'u2', 'u3', 'u4']),
      media: pick(['audio', 'video']),
    },
  });
  return Array.from({ length: count }, (_, index) => {
    const dice = random();
    const known = sent.length > 0 ? pick(sent) : undefined;
    if (known && dice < 0.2) return known;
    if (known && dice < 0.24) return { ...known, data: { value: '99', user: 'other', media: 'audio' } };
    if (known && dice < 0.28) return { id: known.id, kind: 'void' as const };
    if (known && dice < 0.32) return { ...fresh(known.id), kind: 'replace' as const };
    if (dice < 0.34) return { ...fresh(`${prefix}${index}`), time: '2026-01-01T00:00:00Z' };
    if (dice < 0.36) return { ...fresh(`${prefix}${index}`), data: { value: 'many', user: 'u1', media: 'audio' } };
    if (dice < 0.37) return { id: `unknown-${prefix}${index}`, kind: 'void' as const };
    const event = fresh(`${prefix}${index}`);
    sent.push(event);
    return event;
  });
}

/** Every third write fails, half of those after it happened: the caller cannot know. */
function flaky(usage: UsageStore): UsageStore {
  return {
    ...usage,
    async write(table, body) {
      const dice = random();
      if (dice < 0.15) throw new Error('lost on the way');
      await usage.write(table, body);
      if (dice < 0.3) throw new Error('lost on the way back');
    },
  };
}

describe('aggregation of a hostile log on three partitions', () => {
  let pipeline: TestPipeline;
  const meters: Meter[] = [];
  const records: (TestEvent & { kind?: 'event' | 'void' | 'replace' })[] = [];

  beforeAll(async () => {
    pipeline = await openTestPipeline({ partitions: 3 });
    for (const aggregation of ['count', 'sum', 'max', 'min', 'latest'] as const) {
      meters.push(await pipeline.meter({ key: aggregation, aggregation, dimensions: { media: '$.media' } }));
    }
    meters.push(
      await pipeline.meter({
        key: 'users',
        aggregation: 'unique_count',
        valueProperty: '$.user',
        dimensions: { media: '$.media' },
      }),
    );
  });
  afterAll(() => pipeline.close());

  async function expectModel(windows?: { size: 'hour' | 'day'; timezone: string }) {
    const model = modelUsage(records, meters, { nowMs: NOW, ...(windows ? { window: windows } : {}), fromMs: FROM, toMs: TO });
    for (const meter of meters) {
      const { rows } = await pipeline.reader.usage({
        meter,
        fromMs: FROM,
        toMs: TO,
        bySubject: true,
        groupBy: ['media'],
        ...(windows ? { window: windows } : {}),
      });
      const found = rows.map(({ windowFromMs, subject, group, value, events }) => ({
        windowFromMs,
        subject,
        media: group['media'],
        value,
        events,
      }));
      expect(found, meter.key).toEqual(model.get(meter.key));
    }
  }

  it('equals an independent model after restarts and writes with unknown outcome', async () => {
    for (let round = 0; round < 4; round += 1) {
      const batch = randomRecords(120, `r${round}-`);
      records.push(...batch);
      await pipeline.append(batch, NOW);
      for (;;) {
        const { aggregator } = await pipeline.aggregator({
          segmentRecordsMax: 1 + Math.floor(random() * 60),
          usage: flaky(pipeline.usage),
        });
        try {
          while ((await aggregator.cycle()).records > 0);
          break;
        } catch {
          // as after a crash: another owner continues
        }
      }
      await expectModel();
    }
  }, 120_000);

  it('answers by hour and by local day of any zone like the model', async () => {
    await expectModel({ size: 'hour', timezone: 'UTC' });
    await expectModel({ size: 'day', timezone: 'Asia/Kathmandu' });
    await expectModel({ size: 'day', timezone: 'America/New_York' });
  });

  it('answers the same from hourly rollups, and again when later voids reach into them', async () => {
    const { aggregator } = await pipeline.aggregator();
    await pipeline.settle(aggregator);
    const ports = {
      logId: pipeline.log.logId,
      ledger: postgresRollupLedger(pipeline.database),
      store: clickhouseRollupStore(pipeline.client),
    };
    const ranges = await compactPass(ports, NOW, { segmentsMin: 1, segmentsMax: 1000, maxAgeMs: 0 });
    expect(ranges).toHaveLength(3);
    await expectModel();
    await expectModel({ size: 'hour', timezone: 'UTC' });
    await expectModel({ size: 'day', timezone: 'Asia/Kathmandu' });
    const more = randomRecords(50, 'late-').concat(records.slice(0, 60).map(({ id }) => ({ id, kind: 'void' as const })));
    records.push(...more);
    await pipeline.append(more, NOW);
    await pipeline.settle(aggregator);
    await expectModel();
    await expectModel({ size: 'day', timezone: 'America/New_York' });
  });

  it('fills a later meter from stored events to the same figures, with withdrawals before and after', async () => {
    const late = await pipeline.meter({ key: 'late_max', aggregation: 'max', dimensions: { media: '$.media' } });
    const sum = await pipeline.meter({ key: 'late_sum', aggregation: 'sum', dimensions: { media: '$.media' } });
    const store = postgresBackfillStore(pipeline.database);
    const { aggregator } = await pipeline.aggregator();
    for (const meter of [late, sum]) {
      const more = randomRecords(40, `${meter.key}-`).concat(
        records.slice(100, 130).map(({ id }) => ({ id, kind: 'void' as const })),
      );
      records.push(...more);
      await pipeline.append(more, NOW);
      await aggregator.cycle();
      const backfill = await store.start(pipeline.log.logId, 'default', meter.key, NOW);
      const after = records.slice(200, 230).map(({ id }) => ({ id, kind: 'void' as const }));
      records.push(...after);
      await pipeline.append(after, NOW);
      await pipeline.settle(aggregator);
      expect(await runBackfill({ ...pipeline, backfills: store }, backfill, () => NOW)).toBe(true);
      meters.push(meter);
    }
    await expectModel();
  });

  it('reconciles', async () => {
    const { aggregator } = await pipeline.aggregator();
    await pipeline.settle(aggregator);
    const backfilled = new Set(['late_max', 'late_sum']);
    const result = await reconcile({
      ...pipeline,
      meters: async () => meters.map((meter) => ({ meter, backfilled: backfilled.has(meter.key) })),
    });
    expect(result.invariants.flatMap(({ differences }) => differences)).toEqual([]);
    expect(result.holds).toBe(true);
  });
});
