import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  clickhouseRollupStore,
  clickhouseUsageReader,
  clickhouseUsageStore,
  insertRows,
  migrateClickhouseServer,
  openClickhouse,
} from '@meterline/backends/clickhouse';
import { ROW_COLUMNS } from '@meterline/pipeline/aggregation';
import { afterAll, afterEach, expect, it } from 'vitest';
import { startClickhouseFront, type ClickhouseFront } from '../engines/clickhouse/start.ts';
import { clickhouseMigrations } from '../support/clickhouse.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'meterline-users-'));
const users = readFileSync(path.join(clickhouseMigrations, '../users.d/meterline.xml'), 'utf8');
let front: ClickhouseFront | undefined;

afterEach(async () => {
  await front?.stop();
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A server on the one data folder whose user has exactly the rights that `name` has in infra, and what the front itself does at its start. */
async function serverAs(name: string) {
  const [, grants = ''] = new RegExp(`<${name}>\\s*<password[^]*?<grants>([^]*?)</grants>`).exec(users) ?? [];
  expect(grants).toContain('GRANT');
  const own = '<query>GRANT CREATE DATABASE ON metering.*</query>';
  mkdirSync(path.join(folder, 'config/users.d'), { recursive: true });
  writeFileSync(
    path.join(folder, 'config/users.d/user.xml'),
    `<clickhouse><users><default><grants replace="replace">${grants}${own}</grants></default></users></clickhouse>`,
  );
  front = await startClickhouseFront({ dataFolder: folder });
  return { urls: [front.url] };
}

const row = `["default","sum","sum","ann","2026-11-20 12:00:00",[],0,"segment",3,0,1,0,"0.5","2026-11-20 12:00:00.000",0,[],"0011223344556677"]\n`;

it('the migrator can apply every migration, twice, and read no usage', async () => {
  const server = await serverAs('meterline_migrator');
  expect((await migrateClickhouseServer(server, clickhouseMigrations)).length).toBeGreaterThan(4);
  expect(await migrateClickhouseServer(server, clickhouseMigrations)).toEqual([]);
  const { client, close } = await openClickhouse(server);
  await expect(client.query({ query: 'select count() from event' })).rejects.toMatchObject({ code: '497' });
  await expect(client.command({ query: 'drop table event' })).rejects.toMatchObject({ code: '497' });
  await close();
});

it('the writer can write, compare and roll up, and change no table', async () => {
  const { client, close } = await openClickhouse(await serverAs('meterline_writer'));
  const store = clickhouseUsageStore(client);
  await insertRows(client, 'usage_delta', ROW_COLUMNS.usage_delta, row, 'JSONCompactEachRow');
  expect((await store.identities('usage_delta', [{ partition: 3, start: 0 }]))[0]?.rows).toBe(1);
  const rollups = clickhouseRollupStore(client);
  await rollups.writeRollup({ partition: 3, start: 0, end: 10 });
  expect(await rollups.rollupMatches({ partition: 3, start: 0, end: 10 })).toBe(true);
  for (const query of [
    'drop table event',
    'truncate table event',
    'alter table event delete where 1',
    'select * from schema_migration',
  ])
    await expect(client.command({ query })).rejects.toMatchObject({ code: '497' });
  await close();
});

it('the reader can read usage, and write nothing', async () => {
  const { client, close } = await openClickhouse(await serverAs('meterline_reader'));
  const visibility = {
    committedCut: async () => [0, 0, 0, 10],
    rolledUp: async () => [0, 0, 0, 0],
    backfills: async () => [],
  };
  const fromMs = Date.parse('2026-11-20T11:00:00Z');
  const { rows } = await clickhouseUsageReader(client, visibility).usage({
    meter: {
      tenant: 'default',
      key: 'sum',
      name: 'sum',
      eventType: 'call',
      aggregation: 'sum',
      valueProperty: '$.value',
      dimensions: {},
      filter: {},
      createdVersion: 1,
      archivedVersion: null,
    },
    fromMs,
    toMs: fromMs + 7_200_000,
  });
  expect(rows.map(({ value, events }) => [value, events])).toEqual([['0.5', 1]]);
  await expect(clickhouseUsageStore(client).write('usage_delta', Buffer.from(row))).rejects.toMatchObject({ code: '497' });
  await close();
});
