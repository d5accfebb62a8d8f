import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Meter } from '@meterline/domain/meters';
import { compactPass } from '@meterline/pipeline/aggregation';
import { clickhouseRollupStore, clickhouseUsageReader } from '@meterline/backends/clickhouse';
import { postgresBackfillStore, postgresRollupLedger, usageVisibility } from '@meterline/backends/postgres';
import { runBackfill } from '@meterline/pipeline/backfill';
import { reconcile } from '@meterline/pipeline/reconcile';
import type { UsageStore } from '@meterline/pipeline/ports';
import type { TestClickhouse } from '../support/clickhouse.ts';
import { openTestPipeline, type TestEvent, type TestPipeline } from '../support/pipeline.ts';
import { effectiveEvents } from '../support/model-events.ts';
import { modelUsage, seededRandom, type ModelWindow } from '../support/usage-model.ts';

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
    // Some at one instant: which of them is the latest must not hang on their place in the log.
    time: new Date(random() < 0.2 ? NOW - 60_000 : FROM + Math.floor(random() * (NOW - FROM))).toISOString(),
    data: {
      value: pick(['0.1', '2', '3.25', 7, '-1', '1e-3']),
      user: pick(['u1', 'u2', 'u3', 'u4']),
      media: pick(['audio', 'video']),
      session: pick(['x1', 'x2', 'x3', 'x4', 'x5']),
      phase: pick(['join', 'leave']),
    },
  });
  return Array.from({ length: count }, (_, index) => {
    const dice = random();
    const known = sent.length > 0 ? pick(sent) : undefined;
    if (known && dice < 0.2) return known;
    if (known && dice < 0.24) return { ...known, data: { ...known.data, value: '99', user: 'other' } };
    if (known && dice < 0.28) return { id: known.id, kind: 'void' as const };
    if (known && dice < 0.32) return { ...fresh(known.id), kind: 'replace' as const };
    if (dice < 0.34) return { ...fresh(`${prefix}${index}`), time: '2026-01-01T00:00:00Z' };
    if (dice < 0.36)
      return { ...fresh(`${prefix}${index}`), data: { value: 'many', user: 'u1', media: 'audio', session: 'x1', phase: 'join' } };
    if (dice < 0.37) return { id: `unknown-${prefix}${index}`, kind: 'void' as const };
    const event = fresh(`${prefix}${index}`);
    sent.push(event);
    return event;
  });
}

const dimensions = { media: '$.media' };
const session = { id: '$.session', phase: '$.phase', join: 'join', leave: 'leave', maxSeconds: 18_000 };
const users = { aggregation: 'unique_count', valueProperty: '$.user', dimensions } as const;

/** One of every aggregation, and folds of what is stored and of what is read from events. */
const METERS: readonly (Partial<Meter> & Pick<Meter, 'key' | 'aggregation'>)[] = [
  ...(['count', 'sum', 'max', 'min', 'latest', 'average'] as const).map((aggregation) => ({
    key: aggregation,
    aggregation,
    dimensions,
  })),
  { key: 'users', ...users },
  { key: 'gb_hours', aggregation: 'weighted_sum', level: { values: 'absolute', unit: 'hour' }, dimensions },
  { key: 'mean_seats', aggregation: 'weighted_sum', level: { values: 'change', unit: 'period' }, dimensions },
  { key: 'concurrency', aggregation: 'peak_concurrency', session, dimensions },
  { key: 'peak_users', ...users, fold: { window: 'day', take: 'max' } },
  { key: 'sum_of_peaks', aggregation: 'peak_concurrency', session, dimensions, fold: { window: 'day', take: 'sum' } },
  {
    key: 'p95',
    aggregation: 'sum',
    dimensions,
    fold: { window: '5_minutes', take: 'percentile', percentile: '95', emptyWindows: 'zero' },
  },
  {
    key: 'median',
    aggregation: 'average',
    dimensions,
    fold: { window: 'hour', take: 'percentile', percentile: '50', emptyWindows: 'skip' },
  },
  {
    key: 'mean_level',
    aggregation: 'weighted_sum',
    level: { values: 'absolute', unit: 'period' },
    dimensions,
    fold: { window: 'hour', take: 'max' },
  },
];

/** One of each way to be stored and read. */
const KINDS = new Set(['sum', 'max', 'users', 'gb_hours', 'concurrency']);

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

/** Exact usage of a hostile log, whichever engine keeps it. */
export function aggregationContract(name: string, clickhouse: () => Promise<TestClickhouse>): void {
  describe(`aggregation of a hostile log on three partitions: ${name}`, () => {
    let pipeline: TestPipeline;
    const meters: Meter[] = [];
    const records: (TestEvent & { kind?: 'event' | 'void' | 'replace' })[] = [];

    beforeAll(async () => {
      pipeline = await openTestPipeline({ partitions: 3, clickhouse });
      for (const meter of METERS) meters.push(await pipeline.meter(meter));
    });
    afterAll(() => pipeline.close());

    const oneOfEachKind = () => meters.filter(({ key }) => KINDS.has(key));

    async function expectModel(window?: ModelWindow, split = true, among: readonly Meter[] = meters) {
      // a window shorter than those a meter folds is none that can be asked for
      const asked = among.filter(({ fold }) => !(window?.size === 'hour' && fold?.window === 'day'));
      const model = modelUsage(records, asked, { nowMs: NOW, ...(window ? { window } : {}), fromMs: FROM, toMs: TO, split });
      const queries = asked.map((meter) => ({
        meter,
        fromMs: FROM,
        toMs: TO,
        ...(split ? { bySubject: true, groupBy: ['media'] } : {}),
        ...(window ? { window, timezone: window.timezone } : {}),
      }));
      const { results } = await pipeline.reader.usageAll(queries);
      for (const [index, meter] of asked.entries()) {
        const found = results[index]?.map(({ windowFromMs, subject, group, value, events }) => {
          return { windowFromMs, subject: subject ?? '', media: group['media'] ?? '', value, events };
        });
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
            writeAheadRecords: 1 + Math.floor(random() * 20),
            usage: flaky(pipeline.usage),
          });
          try {
            while ((await aggregator.cycle()).records > 0);
            break;
          } catch {
            // as after a crash: another owner continues
          }
        }
        await expectModel(undefined, true, round < 3 ? oneOfEachKind() : meters);
      }
    }, 120_000);

    it('answers by hour and by local day of any zone like the model', async () => {
      await expectModel({ size: 'hour', timezone: 'UTC' });
      await expectModel({ size: 'day', timezone: 'Asia/Kathmandu' });
      await expectModel({ size: 'day', timezone: 'America/New_York' });
    });

    it('answers all subjects and media together, which is not the sum of their parts, like the model', async () => {
      await expectModel(undefined, false);
      await expectModel({ size: 'hour', timezone: 'UTC' }, false);
      await expectModel({ size: 'day', timezone: 'Asia/Kathmandu' }, false);
    });

    it('tells the values of single events, each with how often it came', async () => {
      const [sum, count] = ['sum', 'count'].map((key) => meters.find((meter) => meter.key === key));
      if (sum === undefined || count === undefined) throw new Error('no meters');
      const cut = await pipeline.ledger.committedCut(pipeline.log.logId);
      const range = { fromMs: FROM, toMs: TO, subjects: ['ann', 'cyd'], filter: { media: ['video'] } };
      const [bySubject, together, counted] = await pipeline.reader.eventValuesAll(
        [
          { meter: sum, ...range, bySubject: true, groupBy: ['media'] },
          { meter: sum, ...range },
          { meter: count, ...range },
        ],
        cut,
      );
      const events = effectiveEvents(records, NOW).map(({ event }) => event);
      const seen = events.filter(({ subject, data }) => subject !== 'bob' && data?.['media'] === 'video');
      const tally = (list: typeof seen) => {
        const values = Map.groupBy(list, ({ data }) => String(Number(data?.['value'])));
        return [...values]
          .map(([value, those]) => ({ value, events: those.length }))
          .toSorted((a, b) => Number(a.value) - Number(b.value));
      };
      expect(together).toEqual([{ subject: null, group: {}, values: tally(seen) }]);
      expect(counted).toEqual([{ subject: null, group: {}, values: [{ value: '1', events: seen.length }] }]);
      expect(bySubject).toEqual(
        ['ann', 'cyd'].map((subject) => {
          return { subject, group: { media: 'video' }, values: tally(seen.filter((event) => event.subject === subject)) };
        }),
      );
    });

    it('tells how levels stand from the beginning of a range on, by subject and all together, like the model', async () => {
      const cut = await pipeline.ledger.committedCut(pipeline.log.logId);
      const fromMs = Date.parse('2026-11-19T06:00:00Z');
      const events = effectiveEvents(records, NOW).map(({ event }) => ({
        subject: event.subject ?? '',
        media: String(event.data?.['media']),
        atMs: Date.parse(event.time ?? ''),
        milli: Math.round(Number(event.data?.['value']) * 1000),
      }));
      type Held = (typeof events)[number];
      const latest = (of: readonly Held[]) => of.toSorted((a, b) => b.atMs - a.atMs || b.milli - a.milli)[0]?.milli ?? 0;
      const series = (of: readonly Held[]) => [...Map.groupBy(of, ({ subject, media }) => `${subject} ${media}`).values()];
      const model: Record<string, (of: readonly Held[]) => number> = {
        latest,
        mean_seats: (of) => of.reduce((sum, { milli }) => sum + milli, 0),
        gb_hours: (of) => series(of).reduce((sum, each) => sum + latest(each), 0),
      };
      for (const [key, levelOf] of Object.entries(model)) {
        const meter = meters.find((each) => each.key === key);
        if (meter === undefined) throw new Error(`no meter ${key}`);
        const range = { meter, fromMs, toMs: TO };
        const [apart, together] = await pipeline.reader.levelsAll(
          [{ ...range, bySubject: true, filter: { media: ['audio'] } }, range],
          cut,
        );
        for (const { subject, levels, events: counted } of [...(apart ?? []), ...(together ?? [])]) {
          const own = events.filter((each) => subject === null || (each.subject === subject && each.media === 'audio'));
          const within = own.filter(({ atMs }) => atMs >= fromMs);
          expect(counted, key).toBe(within.length);
          for (const instant of [fromMs, ...within.map(({ atMs }) => atMs)]) {
            const told = levels.filter((level) => level.fromMs <= instant).at(-1)?.level ?? '0';
            expect(Math.round(Number(told) * 1000), `${key} of ${subject ?? 'all'}`).toBe(
              levelOf(own.filter(({ atMs }) => atMs <= instant)),
            );
          }
        }
        expect(apart?.map(({ subject }) => subject)).toEqual(['ann', 'bob', 'cyd']);
        expect(together).toHaveLength(1);
      }
    });

    it('answers the same when the events behind it are read a few at a time', async () => {
      const visibility = usageVisibility(pipeline.database, pipeline.ledger, pipeline.log.logId);
      const paging = clickhouseUsageReader(pipeline.client, visibility, { pageEvents: 37 });
      const read = meters.filter(({ key }) => ['gb_hours', 'concurrency'].includes(key));
      const queries = read.map((meter) => ({ meter, fromMs: FROM, toMs: TO, bySubject: true, groupBy: ['media'] }));
      expect(await paging.usageAll(queries)).toEqual(await pipeline.reader.usageAll(queries));
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
      await expectModel({ size: 'hour', timezone: 'UTC' }, true, oneOfEachKind());
      await expectModel({ size: 'day', timezone: 'Asia/Kathmandu' });
      const more = randomRecords(50, 'late-').concat(records.slice(0, 60).map(({ id }) => ({ id, kind: 'void' as const })));
      records.push(...more);
      await pipeline.append(more, NOW);
      await pipeline.settle(aggregator);
      await expectModel();
      await expectModel({ size: 'day', timezone: 'America/New_York' });
    });

    it('fills a later meter from stored events to the same figures, with withdrawals before and after', async () => {
      const late = await pipeline.meter({ key: 'late_max', aggregation: 'max', dimensions });
      const sum = await pipeline.meter({ key: 'late_sum', aggregation: 'sum', dimensions });
      const level = await pipeline.meter({
        key: 'late_level',
        aggregation: 'weighted_sum',
        level: { values: 'absolute', unit: 'day' },
        dimensions,
      });
      const store = postgresBackfillStore(pipeline.database);
      const { aggregator } = await pipeline.aggregator();
      for (const meter of [late, sum, level]) {
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
      // needs no backfill
      meters.push(await pipeline.meter({ key: 'late_sessions', aggregation: 'peak_concurrency', session, dimensions }));
      await expectModel();
    });

    it('reconciles', async () => {
      const { aggregator } = await pipeline.aggregator();
      await pipeline.settle(aggregator);
      const backfilled = new Set(['late_max', 'late_sum', 'late_level']);
      const result = await reconcile({
        ...pipeline,
        meters: async () => meters.map((meter) => ({ meter, backfilled: backfilled.has(meter.key) })),
      });
      expect(result.invariants.flatMap(({ differences }) => differences)).toEqual([]);
      expect(result.holds).toBe(true);
    });
  });
}
