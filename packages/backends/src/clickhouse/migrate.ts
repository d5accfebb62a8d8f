import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { Fault } from '@meterline/domain/faults';
import { type ClickhouseLayout, databaseStatement, SINGLE, statementsFor, versionTable } from './layout.ts';
import { DEFAULT_DATABASE, openClickhouse, type ClickhouseServer } from './open-clickhouse.ts';
import { retried } from './retry.ts';
import { queryRows, runIdempotent } from './rows.ts';

interface Migration {
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

/**
 * Applies the numbered files (`0001_name.sql`, ...) of `folder` that the database has not seen, in order, and answers their names.
 * A file holds one statement that may run twice (`CREATE TABLE IF NOT EXISTS`): a crash can come between running and recording it. For the
 * same reason migrators may run at once: each statement does nothing the second time, and two records of a file are the same row.
 * `layout` decides what the statement comes to; the checksum is of the file, whatever the layout.
 * Fails with the Fault `clickhouse.migration_changed` if an applied file was edited or is gone, or `clickhouse.migration_order` if
 * a new file comes before an applied one.
 */
export async function migrateClickhouse(
  client: ClickHouseClient,
  folder: string,
  { layout = SINGLE, database = DEFAULT_DATABASE }: { layout?: ClickhouseLayout; database?: string } = {},
): Promise<string[]> {
  await runIdempotent(client, versionTable(layout, database));
  const applied = await appliedChecksums(client);
  const migrations = await readMigrations(folder);
  requireUnchanged(applied, migrations);
  const pending = migrations.filter(({ name }) => !applied.has(name));
  for (const { name, sql, checksum } of pending) {
    for (const statement of statementsFor(sql, layout, database)) await runIdempotent(client, statement);
    await retried(() =>
      client.insert({
        table: 'schema_migration',
        columns: ['name', 'checksum'],
        values: [[name, checksum]],
        format: 'JSONCompactEachRow',
      }),
    );
  }
  return pending.map(({ name }) => name);
}

/** Makes the database on the servers if need be, and applies the migrations. The user needs the rights of `meterline_migrator` (infra/clickhouse). */
export async function migrateClickhouseServer(server: ClickhouseServer, folder: string): Promise<string[]> {
  const { database = DEFAULT_DATABASE, layout = SINGLE } = server;
  const bare = await openClickhouse({ ...server, database: 'default', layout: SINGLE });
  await runIdempotent(bare.client, databaseStatement(layout, database)).finally(() => bare.close());
  const { client, close } = await openClickhouse(server);
  return migrateClickhouse(client, folder, { layout, database }).finally(close);
}

async function appliedChecksums(client: ClickHouseClient): Promise<Map<string, string>> {
  return new Map(await queryRows<[string, string]>(client, 'SELECT name, checksum FROM schema_migration FINAL', {}));
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => /^\d{4}_\w+\.sql$/.test(name)).sort();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(path.join(folder, name), 'utf8');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

function requireUnchanged(applied: ReadonlyMap<string, string>, migrations: readonly Migration[]): void {
  const checksums = new Map(migrations.map(({ name, checksum }) => [name, checksum]));
  const last = [...applied.keys()].sort().at(-1) ?? '';
  for (const [name, checksum] of applied) {
    if (checksums.get(name) === checksum) continue;
    throw new Fault(
      'conflict',
      'clickhouse.migration_changed',
      `${name} was applied and then changed or removed: add a new file instead`,
    );
  }
  for (const { name } of migrations) {
    if (applied.has(name) || name > last) continue;
    throw new Fault(
      'conflict',
      'clickhouse.migration_order',
      `${name} comes before ${last}, which is applied already: give it a later number`,
    );
  }
}
