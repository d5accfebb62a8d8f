import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { clickhouseUsageStore, migrateClickhouse } from '@meterline/backends/clickhouse';
import { openChdb, openLmdbLog, openPglite } from '@meterline/backends/embedded';
import { migrate } from '@meterline/backends/postgres';
import type { UsageStore, UsageTable } from '@meterline/pipeline/ports';
import { compileMeter } from '@meterline/domain/meters';
import { SegmentFold } from '../../packages/pipeline/src/aggregation/derive.ts';
import { decodeRecord } from '../../packages/pipeline/src/aggregation/decode.ts';
import { USAGE_TABLES } from '../../packages/pipeline/src/aggregation/table-writer.ts';
import { eventBatch } from './events.ts';
import { BENCH_METERS } from './setup.ts';

/** What the engines do alone with the same rows: no HTTP, no validation, no deduplication, no derivation. */
export interface EngineLimit {
  readonly events: number;
  readonly seconds: number;
  readonly eventsPerSecond: number;
  readonly rssBytes: number;
}

const SEGMENT = 20_000;
const APPEND = 1_000;
const PREPARED = 5;

async function measure(segments: number): Promise<EngineLimit> {
  const folder = mkdtempSync(path.join(tmpdir(), 'meterline-bench-'));
  const infra = path.join(import.meta.dirname, '../../infra');
  const database = await openPglite({ folder });
  await migrate(database, path.join(infra, 'postgres/migrations'));
  const chdb = await openChdb({ folder: path.join(folder, 'usage') });
  await migrateClickhouse(chdb.client, path.join(infra, 'clickhouse/migrations'));
  const log = await openLmdbLog({ folder: path.join(folder, 'log'), partitionCount: 1 });
  const usage = clickhouseUsageStore(chdb.client);
  // rows are prepared beforehand; the same few bodies are written again and again, so nothing of ours runs between the engines
  const bodies = Array.from({ length: PREPARED }, (_, index) => prepare(index));
  await writeAll(usage, bodies[0]?.tables);
  const startedMs = performance.now();
  for (let segment = 0; segment < segments; segment += 1) {
    const body = bodies[segment % PREPARED];
    if (body === undefined) throw new Error('no rows were prepared');
    const appends = body.appends.map((records) =>
      log.append({ partition: 0, tenant: 'default', appendedAtMs: Date.now(), records }),
    );
    await Promise.all(appends);
    await database.query('select 1');
    await writeAll(usage, body.tables);
    await database.query('select 1');
  }
  const seconds = (performance.now() - startedMs) / 1000;
  const rssBytes = process.memoryUsage.rss();
  await log.close();
  await chdb.close();
  await database.close();
  rmSync(folder, { recursive: true, force: true });
  const events = segments * SEGMENT;
  return { events, seconds, eventsPerSecond: events / seconds, rssBytes };
}

/** The rows that aggregation would write for one segment, and the log records they come from. */
function prepare(index: number): { tables: Record<UsageTable, Uint8Array>; appends: { kind: 'event'; value: Uint8Array }[][] } {
  const nowMs = Date.now();
  const start = index * SEGMENT;
  const meters = BENCH_METERS.map((meter) =>
    compileMeter({ ...meter, tenant: 'default', createdVersion: 1, archivedVersion: null, backfill: null }),
  );
  const config = { version: 1, pastMs: 35 * 86_400_000, futureMs: 300_000, metersOf: () => meters };
  const fold = new SegmentFold({ partition: 0, start, end: start + SEGMENT }, config);
  const batch = eventBatch(SEGMENT, index, nowMs, 'engines');
  batch.renumber(start);
  const events = JSON.parse(batch.body.toString()) as object[];
  const records = events.map((event) => ({ kind: 'event' as const, value: Buffer.from(JSON.stringify(event)) }));
  const decoded = records.map(({ kind, value }, at) =>
    decodeRecord({ offset: start + at, tenant: 'default', kind, appendedAtMs: nowMs, value }),
  );
  fold.add(decoded, { claims: () => [], event: () => undefined });
  const { tables } = fold.finish();
  const body = (table: UsageTable) => tables[table].body;
  const appends = Array.from({ length: SEGMENT / APPEND }, (_, at) => records.slice(at * APPEND, (at + 1) * APPEND));
  return {
    tables: {
      event: body('event'),
      event_key: body('event_key'),
      refused_event: body('refused_event'),
      usage_delta: body('usage_delta'),
    },
    appends,
  };
}

async function writeAll(usage: UsageStore, tables: Record<UsageTable, Uint8Array> | undefined): Promise<void> {
  for (const table of USAGE_TABLES) {
    const body = tables?.[table];
    if (body !== undefined && body.length > 0) await usage.write(table, body);
  }
}

process.on('message', (segments: number) => {
  void measure(segments).then((limit) => process.send?.(limit));
});
process.on('disconnect', () => process.exit(0));
