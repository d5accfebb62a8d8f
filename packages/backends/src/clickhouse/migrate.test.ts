import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type Chdb, openChdb } from '../embedded/chdb/open-chdb.ts';
import { migrateClickhouse } from './migrate.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'meterline-migrate-'));
let migrations: string;
let chdb: Chdb;

beforeAll(async () => {
  chdb = await openChdb({ folder });
});
beforeEach(async () => {
  await chdb.client.command({ query: 'DROP TABLE IF EXISTS schema_migration' });
  migrations = mkdtempSync(path.join(folder, 'migrations-'));
  write('0001_first.sql', 'CREATE TABLE IF NOT EXISTS first (id UInt64) ENGINE = MergeTree ORDER BY id');
});
afterAll(async () => {
  await chdb.close();
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, sql: string): void {
  writeFileSync(path.join(migrations, name), sql);
}

it('applies every file once, in order', async () => {
  write('0002_second.sql', 'ALTER TABLE first ADD COLUMN IF NOT EXISTS name String;\n');
  expect(await migrateClickhouse(chdb.client, migrations)).toEqual(['0001_first.sql', '0002_second.sql']);
  expect(await migrateClickhouse(chdb.client, migrations)).toEqual([]);
  write('0003_third.sql', 'ALTER TABLE first ADD COLUMN IF NOT EXISTS more String');
  expect(await migrateClickhouse(chdb.client, migrations)).toEqual(['0003_third.sql']);
});

it('applies nothing of an empty folder', async () => {
  expect(await migrateClickhouse(chdb.client, mkdtempSync(path.join(folder, 'empty-')))).toEqual([]);
});

it('refuses an applied file that was changed', async () => {
  await migrateClickhouse(chdb.client, migrations);
  write('0001_first.sql', 'CREATE TABLE IF NOT EXISTS first (id UInt32) ENGINE = MergeTree ORDER BY id');
  await expect(migrateClickhouse(chdb.client, migrations)).rejects.toMatchObject({ code: 'clickhouse.migration_changed' });
});

it('refuses a new file that comes before an applied one', async () => {
  write('0003_third.sql', 'SELECT 1');
  await migrateClickhouse(chdb.client, migrations);
  write('0002_second.sql', 'SELECT 1');
  await expect(migrateClickhouse(chdb.client, migrations)).rejects.toMatchObject({ code: 'clickhouse.migration_order' });
});

it('lets several migrators run at once: each statement happens, each file is recorded once, nothing is left to do', async () => {
  write('0002_second.sql', 'ALTER TABLE first ADD COLUMN IF NOT EXISTS name String');
  write('0003_third.sql', 'CREATE TABLE IF NOT EXISTS third (id UInt64) ENGINE = ReplacingMergeTree ORDER BY id');
  const ran = await Promise.all(Array.from({ length: 4 }, () => migrateClickhouse(chdb.client, migrations)));
  expect(ran.filter((names) => names.length > 0).length).toBeGreaterThan(1);
  const answer = await chdb.client.query({
    query: 'SELECT name FROM schema_migration FINAL ORDER BY name',
    format: 'JSONCompactEachRow',
  });
  expect(await answer.json()).toEqual([['0001_first.sql'], ['0002_second.sql'], ['0003_third.sql']]);
  expect(await migrateClickhouse(chdb.client, migrations)).toEqual([]);
  const tables = await chdb.client.query({
    query: 'SELECT name FROM first UNION ALL SELECT toString(id) FROM third',
    format: 'JSONCompactEachRow',
  });
  expect(await tables.json()).toEqual([]);
});

it('knows every migration of ours by the checksum it had when it was first applied', async () => {
  const ours = path.join(import.meta.dirname, '../../../../infra/clickhouse/migrations');
  await migrateClickhouse(chdb.client, ours);
  const answer = await chdb.client.query({
    query: 'SELECT name, substring(checksum, 1, 12) FROM schema_migration FINAL ORDER BY name',
    format: 'JSONCompactEachRow',
  });
  expect((await answer.json()).slice(0, 5)).toEqual([
    ['0001_event.sql', '69e4976cc0ea'],
    ['0002_refused_event.sql', '35e0f8ecd965'],
    ['0003_event_key.sql', '1711b05b6152'],
    ['0004_usage_delta.sql', 'b8b2a88c672e'],
    ['0005_usage_rollup.sql', '35aeca98886b'],
  ]);
});
