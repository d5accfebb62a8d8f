import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ROW_COLUMNS } from '@meterline/pipeline/aggregation';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openChdb } from '../embedded/index.ts';
import { migrateClickhouse } from './migrate.ts';
import { clickhouseUsageStore } from './usage-store.ts';

const migrations = path.join(import.meta.dirname, '../../../../infra/clickhouse/migrations');
const folder = mkdtempSync(path.join(tmpdir(), 'meterline-usage-store-'));
let chdb: Awaited<ReturnType<typeof openChdb>>;

beforeAll(async () => {
  chdb = await openChdb({ folder });
  await migrateClickhouse(chdb.client, migrations);
});
afterAll(async () => {
  await chdb.close();
  await rm(folder, { recursive: true, force: true });
});

interface Claim {
  readonly partition: number;
  readonly offset: number;
  readonly start: number;
  readonly idHash: string;
  readonly atMs: number;
}

async function claim(claims: readonly Claim[]): Promise<void> {
  for (const { partition, offset, start, idHash, atMs } of claims) {
    const at = new Date(atMs).toISOString().replace('T', ' ').replace('Z', '');
    const query = `insert into event_key (${ROW_COLUMNS.event_key.join()})
      select ${partition}, unhex('${idHash}'), ${offset}, 'event', ${start}, '${at}', ${offset + 1}`;
    await chdb.client.command({ query });
  }
}

it('answers every id claimed in the window exactly once, in however many shares it is asked', async () => {
  const store = clickhouseUsageStore(chdb.client);
  const hashes = ['00', '0fffffff', '7f', '7fffffffffffffff', '80', 'aaaaaaaa', 'fe', 'ffffffff'].map((head, n) =>
    head.padEnd(32, n % 2 === 0 ? '0' : 'f'),
  );
  const inWindow = hashes.map((idHash, n) => ({ partition: 1, offset: n, start: 0, idHash, atMs: 1_000_000 }));
  const other = { partition: 2, offset: 0, start: 0, idHash: '12'.padEnd(32, '0'), atMs: 1_000_000 };
  const old = { partition: 1, offset: 20, start: 20, idHash: '34'.padEnd(32, '0'), atMs: 999_000 };
  const late = { partition: 1, offset: 31, start: 30, idHash: '56'.padEnd(32, '0'), atMs: 1_000_000 };
  await claim([...inWindow, other, old, late]);
  for (const of of [1, 2, 3, 7, 16]) {
    const found: string[] = [];
    for (let index = 0; index < of; index += 1)
      found.push(...(await store.claimedIds(1, { index, of, before: 31, sinceMs: 1_000_000 })));
    expect(found.toSorted()).toEqual(hashes);
  }
});

it('tells apart the rows of segments that begin at one offset in several partitions', async () => {
  const store = clickhouseUsageStore(chdb.client);
  const rows = [
    { partition: 5, offset: 100, start: 100, idHash: '01'.padEnd(32, '0'), atMs: 0 },
    { partition: 5, offset: 102, start: 100, idHash: '02'.padEnd(32, '0'), atMs: 0 },
    { partition: 6, offset: 106, start: 100, idHash: '03'.padEnd(32, '0'), atMs: 0 },
    { partition: 6, offset: 206, start: 200, idHash: '04'.padEnd(32, '0'), atMs: 0 },
  ];
  await claim([...rows, ...rows.slice(0, 1)]);
  const asked = [
    { partition: 6, start: 100 },
    { partition: 5, start: 200 },
    { partition: 5, start: 100 },
  ];
  expect(await store.identities('event_key', asked)).toEqual([
    { rows: 1, xor: '107' },
    { rows: 0, xor: '0' },
    { rows: 2, xor: String(101 ^ 103) },
  ]);
  expect(await store.identities('event', asked.slice(0, 1))).toEqual([{ rows: 0, xor: '0' }]);
});
