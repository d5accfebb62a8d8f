import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { openClickhouse } from '@meterline/backends/clickhouse';
import { openPostgres } from '@meterline/backends/postgres';
import { readSettings } from '@meterline/runtime/config';

/** Bytes on disk, compressed, of what is live. */
export interface Storage {
  readonly tables: readonly { readonly name: string; readonly rows: number; readonly bytes: number }[];
  /** All copies of all partitions. */
  readonly logBytes: number;
  readonly billingStoreBytes: number;
}

/** How much the engines of a cluster keep; the log by its files below `dataFolder`, so only of brokers started for the cluster. */
export async function storageOf(env: Readonly<Record<string, string>>, dataFolder: string): Promise<Storage> {
  const { clickhouse, postgres, kafka } = readSettings(env);
  const { client, close } = await openClickhouse({ ...clickhouse });
  const answer = await client.query({
    query: `select table as name, toUInt32(sum(rows)) as rows, toFloat64(sum(bytes_on_disk)) as bytes from system.parts
            where active and database = {database:String} and table != 'schema_migration' group by table order by table`,
    query_params: { database: clickhouse.database },
    format: 'JSONEachRow',
  });
  const tables = await answer.json<{ name: string; rows: number; bytes: number }>();
  await close();
  const billing = await openPostgres({ url: postgres.url, poolMax: 1, onError: () => undefined });
  const [size] = await billing.query<{ bytes: number }>('select pg_database_size(current_database())::float8 as bytes');
  await billing.close();
  return { tables, logBytes: segmentFileBytes(dataFolder, kafka.topic), billingStoreBytes: size?.bytes ?? Number.NaN };
}

function segmentFileBytes(folder: string, topic: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  const segments = files.filter((file) => file.isFile() && /\.(log|index|timeindex)$/.test(file.name));
  return segments
    .filter(({ parentPath }) => path.basename(parentPath).startsWith(`${topic}-`))
    .reduce((sum, { parentPath, name }) => sum + bytesOnDisk(path.join(parentPath, name)), 0);
}

/** Kafka reserves the whole of an index file, without writing it. */
function bytesOnDisk(file: string): number {
  return statSync(file).blocks * 512;
}
