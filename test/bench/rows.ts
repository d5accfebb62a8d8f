import { compileMeter } from '@meterline/domain/meters';
import type { UsageTable } from '@meterline/pipeline/ports';
import { decodeRecord } from '../../packages/pipeline/src/aggregation/decode.ts';
import { SegmentFold } from '../../packages/pipeline/src/aggregation/derive.ts';
import { eventBatch } from './events.ts';
import { BENCH_METERS } from './setup.ts';

export interface SegmentRows {
  /** RowBinary, as aggregation would write it. */
  readonly tables: Readonly<Record<UsageTable, Uint8Array>>;
  /** The log records they come from. */
  readonly appends: readonly { kind: 'event'; value: Uint8Array }[][];
}

/** The rows that aggregation would write for segment `index` of `records` records, which came in appends of `append`. */
export function segmentRows({ index, records, append }: { index: number; records: number; append: number }): SegmentRows {
  const nowMs = Date.now();
  const start = index * records;
  const meters = BENCH_METERS.map((meter) =>
    compileMeter({ ...meter, tenant: 'default', createdVersion: 1, archivedVersion: null, backfill: null }),
  );
  const config = { version: 1, pastMs: 35 * 86_400_000, futureMs: 300_000, metersOf: () => meters };
  const batch = eventBatch(records, index, nowMs, 'engines');
  batch.renumber(start);
  const logged = batch.events.map((value) => ({ kind: 'event' as const, value }));
  const decoded = logged.map(({ kind, value }, at) =>
    decodeRecord({ offset: start + at, tenant: 'default', kind, appendedAtMs: nowMs, receivedAtMs: nowMs, value }),
  );
  const fold = new SegmentFold({ partition: 0, start, end: start + records }, config, []);
  fold.add(decoded, { claims: () => [], event: () => undefined });
  const { tables } = fold.finish();
  const body = (table: UsageTable) => tables[table].body;
  return {
    tables: {
      event: body('event'),
      event_key: body('event_key'),
      refused_event: body('refused_event'),
      usage_delta: body('usage_delta'),
    },
    appends: Array.from({ length: records / append }, (_, at) => logged.slice(at * append, (at + 1) * append)),
  };
}
