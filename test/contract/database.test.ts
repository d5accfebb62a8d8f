import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openPglite } from '@meterline/backends/embedded';
import { migrate } from '@meterline/backends/postgres';
import { startScript } from '../support/child-process.ts';
import { migrationsFolder } from '../support/database.ts';
import { databaseContract } from './database.contract.ts';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'meterline-database-'));
afterAll(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

databaseContract('PGlite in a folder', async () => {
  const database = await openPglite({ folder: path.join(folder, 'contract') });
  await migrate(database, migrationsFolder);
  return database;
});

describe('PGlite in a folder', () => {
  test('nothing acknowledged is lost and no transaction is torn by SIGKILL', async () => {
    const target = path.join(folder, 'killed');
    const acknowledged: number[] = [];
    for (const commits of [3, 100]) {
      const writer = startScript(path.join(import.meta.dirname, 'child/database-writer.ts'), [target]);
      onTestFinished(() => writer.kill());
      let seen = 0;
      for await (const line of writer.lines) {
        acknowledged.push(Number(line));
        if ((seen += 1) === commits) await writer.kill();
      }
      expect(seen).toBeGreaterThanOrEqual(commits);
    }
    const database = await openPglite({ folder: target });
    const rows = await database.query<{ id: number; twin: number }>('select id, twin from kept');
    await database.close();
    const stored = new Set(rows.map(({ id }) => id));
    expect(acknowledged.filter((id) => !stored.has(id) || !stored.has(id + 1))).toEqual([]);
    expect(rows.filter(({ twin }) => !stored.has(twin))).toEqual([]);
  }, 60_000);

  test('a start that was killed before PostgreSQL filled its lock file is no obstacle to the next', async () => {
    const target = path.join(folder, 'killed-at-start');
    await (await openPglite({ folder: target })).close();
    fs.writeFileSync(path.join(target, 'pgdata/postmaster.pid'), '');
    const database = await openPglite({ folder: target });
    expect(await database.query('select 1 as one')).toEqual([{ one: 1 }]);
    await database.close();
  }, 60_000);

  test('a second opening of the folder is refused', async () => {
    const target = path.join(folder, 'twice');
    const database = await openPglite({ folder: target });
    await expect(openPglite({ folder: target })).rejects.toMatchObject({ code: 'data_folder.in_use' });
    await database.close();
  });
});

describe('PGlite in memory', () => {
  const failures: Error[] = [];
  let database: Awaited<ReturnType<typeof openPglite>>;
  beforeAll(async () => {
    database = await openPglite({ folder: null, onFailure: (error) => failures.push(error) });
  });
  afterAll(() => database.close());

  test('using the database instead of its transaction is refused instead of waiting for itself', async () => {
    const nested = database.transaction(async (tx) => {
      await tx.query('select 1');
      return await database.query('select 2');
    });
    await expect(nested).rejects.toMatchObject({ code: 'database.nested_query' });
    expect(await database.query('select 3 as three')).toEqual([{ three: 3 }]);
  });

  test('if its thread dies, waiting and later calls are rejected and the owner is told once', async () => {
    const waiting = database.query('select 1');
    await database.session.connection.terminate();
    await expect(waiting).rejects.toMatchObject({ code: 'billing_store.stopped' });
    await expect(database.transaction((tx) => tx.query('select 1'))).rejects.toMatchObject({ code: 'billing_store.stopped' });
    expect(failures).toHaveLength(1);
  });
});
