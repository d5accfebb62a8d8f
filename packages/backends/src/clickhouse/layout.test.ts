import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Chdb, openChdb } from '../embedded/chdb/open-chdb.ts';
import { type ClickhouseLayout, databaseStatement, statementsFor, versionTable } from './layout.ts';
import { PASSING_CODES, REFUSED_INSERT_CODES } from './retry.ts';
import { queryRows } from './rows.ts';

const migrations = path.join(import.meta.dirname, '../../../../infra/clickhouse/migrations');
const CLUSTER: ClickhouseLayout = { kind: 'cluster', cluster: 'usage' };
const folder = mkdtempSync(path.join(tmpdir(), 'meterline-layout-'));
let chdb: Chdb;

beforeAll(async () => {
  chdb = await openChdb({ folder });
});
afterAll(async () => {
  await chdb.close();
  rmSync(folder, { recursive: true, force: true });
});

const files = readdirSync(migrations).map((name) => ({ name, sql: readFileSync(path.join(migrations, name), 'utf8') }));

/** Fails unless the engine can parse it; `text` is the engine's own formatting. */
async function formatted(text: string): Promise<string> {
  const [row] = await queryRows<[string]>(chdb.client, 'select formatQuery({text:String})', { text });
  return row?.[0] ?? '';
}

it('leaves a migration for one server as it is, byte by byte', () => {
  for (const { sql } of files) expect(statementsFor(sql, { kind: 'single' }, 'metering')).toEqual([sql]);
});

const creating = files.filter(({ sql }) => sql.includes('create table'));
const addingColumns = files.filter(({ sql }) => sql.includes('add column'));
const changing = files.filter((file) => !creating.includes(file) && !addingColumns.includes(file));

it.each(creating)('makes of $name a replicated table on every shard and a Distributed one over them', async ({ name, sql }) => {
  const table = name.replace(/^\d+_|\.sql$/g, '');
  const [local = '', distributed = '', ...more] = statementsFor(sql, CLUSTER, 'metering');
  expect(more).toEqual([]);
  const localText = await formatted(local);
  expect(localText).toContain(`CREATE TABLE IF NOT EXISTS metering.${table}_local ON CLUSTER usage`);
  expect(localText).toContain(
    `ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')`,
  );
  expect(localText).toMatch(/fsync_part_directory = 1, replicated_deduplication_window = 0\s*$/);
  expect(await formatted(distributed)).toBe(
    await formatted(
      `create table if not exists metering.${table} on cluster usage as metering.${table}_local engine = Distributed('usage', 'metering', '${table}_local', partition)`,
    ),
  );
  // all but names, engine and the one setting is the statement of a single server
  const undone = local
    .replace(/_local on cluster '\w+'/, '')
    .replace(/ReplicatedReplacingMergeTree\([^)]*\)/, 'ReplacingMergeTree')
    .replace(', replicated_deduplication_window = 0', '')
    .replace('metering.', '');
  expect(await formatted(undone)).toBe(await formatted(sql));
});

it.each(changing)('makes of $name a change of the stored table on every shard', async ({ name, sql }) => {
  const table = name.replace(/^\d+_|_merges\.sql$/g, '');
  const statements = statementsFor(sql, CLUSTER, 'metering');
  expect(statements).toHaveLength(1);
  expect(await formatted(statements[0] ?? '')).toContain(`ALTER TABLE metering.${table}_local ON CLUSTER usage`);
});

it.each(addingColumns)('makes of $name a new column of the stored table and of the Distributed one', async ({ name, sql }) => {
  const table = /^\d+_(\w+)_received_at\.sql$/.exec(name)?.[1];
  const [local = '', distributed = '', ...more] = await Promise.all(statementsFor(sql, CLUSTER, 'metering').map(formatted));
  expect(more).toEqual([]);
  expect(local).toContain(`ALTER TABLE metering.${table}_local ON CLUSTER usage`);
  expect(distributed).toBe(local.replace('_local', ''));
});

it('changes columns of both tables, and anything else of the stored one only', async () => {
  const column = statementsFor('-- why\nalter table event add column if not exists region String', CLUSTER, 'metering');
  expect(column).toEqual([
    `alter table metering.event_local on cluster 'usage' add column if not exists region String`,
    `alter table metering.event on cluster 'usage' add column if not exists region String`,
  ]);
  const index = statementsFor('alter table event add index if not exists r region type set(8)', CLUSTER, 'metering');
  expect(index).toEqual([`alter table metering.event_local on cluster 'usage' add index if not exists r region type set(8)`]);
  for (const statement of [...column, ...index]) await formatted(statement);
});

it('keeps the versions in one table that every server has, and makes the database on all', async () => {
  expect(await formatted(versionTable(CLUSTER, 'metering'))).toContain(
    `ReplicatedReplacingMergeTree('/clickhouse/tables/all/{database}/{table}', '{shard}-{replica}')`,
  );
  expect(await formatted(databaseStatement(CLUSTER, 'metering'))).toContain('ON CLUSTER usage');
});

it('refuses what a cluster could not follow, and names that are none', () => {
  const fails = (sql: string) => expect(() => statementsFor(sql, CLUSTER, 'metering'));
  fails('insert into event select 1').toThrow('neither creates');
  fails('create table if not exists plain (\n  id UInt64\n) engine = ReplacingMergeTree\norder by id').toThrow('shard by');
  expect(() => statementsFor('x', { kind: 'single' }, 'a b')).toThrow('not a name');
  expect(() => versionTable({ kind: 'cluster', cluster: `x' sync; --` }, 'metering')).toThrow('not a name');
});

it('knows the codes of the server by their names', async () => {
  for (const [code, name] of [...Object.entries(PASSING_CODES), ...Object.entries(REFUSED_INSERT_CODES)]) {
    expect(await queryRows(chdb.client, 'select errorCodeToName({code:UInt32})', { code })).toEqual([[name]]);
  }
});
