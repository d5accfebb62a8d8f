import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { insertRows, openClickhouse, type ClickhouseServer } from '@meterline/backends/clickhouse';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startClickhouseFront, type ClickhouseFront } from './start.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'meterline-front-'));
let front: ClickhouseFront;
let server: ClickhouseServer;

beforeAll(async () => {
  front = await startClickhouseFront({ dataFolder: path.join(folder, 'data'), username: 'someone', password: 'secret' });
  server = { urls: [front.url], database: 'default', username: 'someone', password: 'secret' };
});
afterAll(async () => {
  await front.stop();
  rmSync(folder, { recursive: true, force: true });
});

it.each(['none', 'gzip', 'zstd'] as const)('takes and gives rows with compression %s', async (compression) => {
  const { client, close } = await openClickhouse({ ...server, compression });
  await client.command({ query: `create or replace table packed (id UInt64, name String) engine = MergeTree order by id` });
  const name = 'grün '.repeat(1000);
  await insertRows(client, 'packed', ['id', 'name'], `[1,"${name}"]\n`, 'JSONCompactEachRow');
  const answer = await client.query({ query: 'select name from packed', format: 'JSONCompactEachRow' });
  expect(await answer.json()).toEqual([[name]]);
  await close();
});

it('comes back after SIGKILL at the same URL, with every row that was acknowledged', async () => {
  const { client, close } = await openClickhouse(server);
  await client.command({ query: 'create table kept (id UInt64) engine = MergeTree order by id settings fsync_after_insert = 1' });
  let acknowledged = 0;
  const writing = (async () => {
    for (;;) {
      await insertRows(client, 'kept', ['id'], `[${acknowledged}]\n`, 'JSONCompactEachRow');
      acknowledged += 1;
      if (acknowledged === 5) void front.kill();
    }
  })();
  await expect(writing).rejects.toMatchObject({ kind: 'unavailable' });
  await front.kill();
  await front.start();
  const answer = await client.query({ query: 'select id from kept order by id', format: 'JSONCompactEachRow' });
  const stored = (await answer.json<[string]>()).map(([id]) => Number(id));
  expect(stored.slice(0, acknowledged)).toEqual(Array.from({ length: acknowledged }, (_, id) => id));
  expect(stored.length).toBeLessThanOrEqual(acknowledged + 1);
  await close();
});

it('knows its one user by the password, and answers /ping to anyone', async () => {
  await expect(openClickhouse({ ...server, password: 'wrong' })).rejects.toMatchObject({ code: 'clickhouse.access_denied' });
  expect(await (await fetch(`${front.url}/ping`)).text()).toBe('Ok.\n');
});

it('ends when the process that started it is killed', async () => {
  const start = path.join(import.meta.dirname, 'start.ts');
  const script = `import { startClickhouseFront } from ${JSON.stringify(start)};
    const { pid } = await startClickhouseFront({ dataFolder: ${JSON.stringify(path.join(folder, 'orphan'))} });
    console.log(pid);`;
  const starter = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface({ input: starter.stdout }), 'line')) as [string];
  const isAlive = (): boolean => {
    try {
      return process.kill(Number(line), 0);
    } catch {
      return false;
    }
  };
  expect(isAlive()).toBe(true);
  starter.kill('SIGKILL');
  await expect.poll(isAlive, { timeout: 10_000 }).toBe(false);
});
