import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { Fault } from '@meterline/domain/faults';

interface Migration {
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

/**
 * Applies the numbered files (`0001_name.sql`, ...) of `folder` that the database has not seen, in order, and answers their names.
 * A file holds one statement that may run twice (`CREATE TABLE IF NOT EXISTS`): a crash can come between running and recording it.
 * Fails with the Fault `clickhouse.migration_changed` if an applied file was edited or is gone, or `clickhouse.migration_order` if
 * a new file comes before an applied one.
 */
export async function migrateClickhouse(client: ClickHouseClient, folder: string): Promise<string[]> {
  await client.command({
    query: `CREATE TABLE IF NOT EXISTS schema_migration (name String, checksum String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))
            ENGINE = ReplacingMergeTree ORDER BY name`,
  });
  const applied = await appliedChecksums(client);
  const migrations = await readMigrations(folder);
  requireUnchanged(applied, migrations);
  const pending = migrations.filter(({ name }) => !applied.has(name));
  for (const { name, sql, checksum } of pending) {
    await client.command({ query: sql });
    await client.insert({
      table: 'schema_migration',
      columns: ['name', 'checksum'],
      values: [[name, checksum]],
      format: 'JSONCompactEachRow',
    });
  }
  return pending.map(({ name }) => name);
}

async function appliedChecksums(client: ClickHouseClient): Promise<Map<string, string>> {
  const answer = await client.query({ query: 'SELECT name, checksum FROM schema_migration FINAL', format: 'JSONEachRow' });
  const rows = await answer.json<{ name: string; checksum: string }>();
  return new Map(rows.map(({ name, checksum }) => [name, checksum]));
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
