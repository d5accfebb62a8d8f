import path from 'node:path';
import { clickhouseUsageStore, migrateClickhouseServer, openClickhouse } from '@meterline/backends/clickhouse';
import { readSettings } from '@meterline/runtime/config';
import { USAGE_TABLES } from '../../../packages/pipeline/src/aggregation/table-writer.ts';
import { segmentRows } from '../rows.ts';

/** What ClickHouse does alone with the same rows, over the same HTTP. */
export interface ClickhouseLimit {
  readonly eventsPerSecond: number;
}

/** Records whose rows are written ahead together, as an aggregator with a backlog does. */
const RECORDS = 20_000;
const PREPARED = 5;
/** Segments written at a time, each with its tables side by side. */
const LANES = 2;

const infra = path.join(import.meta.dirname, '../../../infra');

async function measure(segments: number): Promise<ClickhouseLimit> {
  const { clickhouse } = readSettings(process.env);
  const server = { ...clickhouse, database: `${clickhouse.database}_limit` };
  await migrateClickhouseServer(server, path.join(infra, 'clickhouse/migrations'));
  const { client, close } = await openClickhouse(server);
  const usage = clickhouseUsageStore(client);
  const prepared = Array.from({ length: PREPARED }, (_, index) => segmentRows({ index, records: RECORDS, append: RECORDS }));
  const write = async (segment: number): Promise<void> => {
    const rows = prepared[segment % PREPARED];
    await Promise.all(USAGE_TABLES.map((table) => usage.write(table, rows?.tables[table] ?? new Uint8Array())));
  };
  await write(0);
  let next = 0;
  const startedMs = performance.now();
  const lane = async (): Promise<void> => {
    while (next < segments) await write(next++);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  const seconds = (performance.now() - startedMs) / 1000;
  await client.command({ query: `drop database ${server.database} sync` });
  await close();
  return { eventsPerSecond: (segments * RECORDS) / seconds };
}

process.on('message', (records: number) => {
  void measure(Math.ceil(records / RECORDS)).then((limit) => process.send?.(limit));
});
process.on('disconnect', () => process.exit(0));
