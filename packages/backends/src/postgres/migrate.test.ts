import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openPglite } from '../embedded/pglite.ts';
import { migrate } from './migrate.ts';
import type { ScriptDatabase } from './script-database.ts';

let database: ScriptDatabase;
let folder: string;
beforeAll(async () => {
  database = await openPglite({ folder: null });
});
afterAll(() => database.close());
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'meterline-migrate-'));
  write('0001_first.sql', `create table a (id integer); insert into a values (1); -- two statements`);
});
afterEach(async () => {
  fs.rmSync(folder, { recursive: true });
  await database.exec('drop schema public cascade; create schema public');
});

function write(name: string, script: string): void {
  fs.writeFileSync(path.join(folder, name), script);
}

test('each file is applied once, in the order of its number, also by several starters at once', async () => {
  write('0002_second.sql', 'alter table a add column name text');
  write('notes.md', 'not a migration');
  const runs = await Promise.all([migrate(database, folder), migrate(database, folder)]);
  expect(runs.flat().sort()).toEqual(['0001_first.sql', '0002_second.sql']);
  expect(await migrate(database, folder)).toEqual([]);
  expect(await database.query('select * from a')).toEqual([{ id: 1, name: null }]);
});

test('a file that fails leaves nothing of itself, and can be mended', async () => {
  write('0002_second.sql', 'create table b (id integer); select 1 / 0');
  await expect(migrate(database, folder)).rejects.toMatchObject({ code: '22012' });
  expect(await database.query(`select to_regclass('b') as b, to_regclass('a') as a`)).toEqual([{ a: 'a', b: null }]);
  write('0002_second.sql', 'create table b (id integer)');
  expect(await migrate(database, folder)).toEqual(['0002_second.sql']);
});

test('an applied file must stay as it is, and must not be missing', async () => {
  await migrate(database, folder);
  write('0001_first.sql', 'create table other (id integer)');
  await expect(migrate(database, folder)).rejects.toMatchObject({ code: 'migration.changed' });
  fs.renameSync(path.join(folder, '0001_first.sql'), path.join(folder, '0002_first.sql'));
  await expect(migrate(database, folder)).rejects.toMatchObject({ code: 'migration.unknown' });
});
