import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { clickhouseUsageStore, migrateClickhouse } from '@meterline/backends/clickhouse';
import { openChdb, openLmdbLog, openPglite } from '@meterline/backends/embedded';
import { migrate } from '@meterline/backends/postgres';
import type { UsageStore, UsageTable } from '@meterline/pipeline/ports';
import { USAGE_TABLES } from '../../packages/pipeline/src/aggregation/table-writer.ts';
import { segmentRows } from './rows.ts';

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
  const bodies = Array.from({ length: PREPARED }, (_, index) => segmentRows({ index, records: SEGMENT, append: APPEND }));
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
