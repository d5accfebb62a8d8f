import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type Chdb, openChdb } from '../embedded/chdb/open-chdb.ts';
import { queryRows } from './rows.ts';

const infra = path.join(import.meta.dirname, '../../../../infra/clickhouse');
const folder = mkdtempSync(path.join(tmpdir(), 'meterline-users-'));
const HASH = '5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8';
const migrations = readdirSync(path.join(infra, 'migrations')).map((name) =>
  readFileSync(path.join(infra, 'migrations', name), 'utf8'),
);
const tables = migrations.flatMap((sql) => /^CREATE TABLE IF NOT EXISTS (\w+)/im.exec(sql)?.[1] ?? []);
let chdb: Chdb;

beforeAll(async () => {
  for (const role of ['MIGRATOR', 'WRITER', 'READER']) vi.stubEnv(`METERLINE_CLICKHOUSE_${role}_SHA256`, HASH);
  const users = path.join(folder, 'config/users.d');
  mkdirSync(users, { recursive: true });
  copyFileSync(path.join(infra, 'users.d/meterline.xml'), path.join(users, 'meterline.xml'));
  // Who looks at users must be allowed to.
  const grants = '<grants replace="replace"><query>GRANT ALL ON *.*</query></grants>';
  writeFileSync(path.join(users, 'tester.xml'), `<clickhouse><users><default>${grants}</default></users></clickhouse>`);
  chdb = await openChdb({ folder });
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await chdb.close();
  rmSync(folder, { recursive: true, force: true });
});

async function show(query: string): Promise<string[]> {
  return (await queryRows<[string]>(chdb.client, query, {})).flat();
}

const forTables = (right: string, user: string) =>
  tables.flatMap((table) => [table, `${table}_local`]).map((table) => `GRANT ${right} ON metering.${table} TO ${user}`);

it('the engine takes the users as they stand in infra, with passwords from the environment', async () => {
  expect(await show('show users')).toEqual(['default', 'meterline_migrator', 'meterline_reader', 'meterline_writer']);
  for (const role of ['migrator', 'writer', 'reader']) {
    expect((await show(`show create user meterline_${role}`)).join()).toMatch(/IDENTIFIED WITH sha256_(hash|password)/);
  }
});

it('a reader may read the tables of usage and nothing else, and cannot lift its limits', async () => {
  expect((await show('show grants for meterline_reader')).sort()).toEqual(forTables('SELECT', 'meterline_reader').sort());
  const profile = (await show('show create settings profile meterline_reader')).join();
  expect(profile).toMatch(/readonly = 2/);
  expect(profile).toMatch(/max_execution_time = 60\.? MIN 1\.? MAX 60/);
  expect(profile).toMatch(/max_memory_usage = 4000000000 MIN 1 MAX 4000000000/);
});

it('a writer may also insert into them, and nothing else', async () => {
  expect((await show('show grants for meterline_writer')).sort()).toEqual(forTables('SELECT, INSERT', 'meterline_writer').sort());
});

it('a migrator makes and alters tables, and reads and writes versions only', async () => {
  const grants = (await show('show grants for meterline_migrator')).join('\n');
  expect(grants).toContain('GRANT SELECT, INSERT ON metering.schema_migration TO meterline_migrator');
  expect(grants).toMatch(/ALTER TABLE[^\n]* ON metering\.\* TO/);
  expect(grants).not.toMatch(/SELECT[^\n]* ON metering\.\*|DROP|TRUNCATE|ALL ON/);
});
