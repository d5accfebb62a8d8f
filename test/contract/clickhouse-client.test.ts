import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { insertRows } from '@meterline/backends/clickhouse';
import { type Chdb, openChdb } from '@meterline/backends/embedded';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clickhouseClientContract, codeOf } from './clickhouse-client.contract.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'meterline-chdb-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

clickhouseClientContract(
  'the embedded engine',
  () => openChdb({ folder }),
  () => expect(readdirSync(path.join(folder, 'spool'))).toEqual([]),
);

describe('the embedded engine on its folder', () => {
  let chdb: Chdb;
  beforeAll(async () => {
    chdb = await openChdb({ folder });
  });
  afterAll(() => chdb.close());

  it.each([
    "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')",
    "SELECT * FROM remote('127.0.0.1:1', 'system', 'one')",
    "INSERT INTO FUNCTION file('out.csv', 'CSV', 'a UInt64') VALUES (1)",
    "CREATE TABLE passwd (line String) ENGINE = File(LineAsString, '/etc/passwd')",
    "CREATE TABLE web (a String) ENGINE = URL('http://127.0.0.1:1/', CSV)",
    'GRANT FILE ON *.* TO default',
  ])('cannot reach outside the folder: %s', async (query) => {
    expect(await codeOf(chdb.client.command({ query }))).toBe('497');
  });

  it('does not begin a statement that was aborted before', async () => {
    const endless = { query: 'SELECT sum(number) FROM numbers(1000000000000)', abort_signal: AbortSignal.abort() };
    await expect(chdb.client.query(endless)).rejects.toThrow('The user aborted a request.');
  });

  it('is refused to a second process, naming the first', () => {
    const module = path.join(import.meta.dirname, '../../packages/backends/src/embedded/chdb/open-chdb.ts');
    const script = `import(${JSON.stringify(module)}).then((m) => m.openChdb({ folder: ${JSON.stringify(folder)} })).catch((e) => console.log(e.code, e.message))`;
    const second = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
      encoding: 'utf8',
      cwd: import.meta.dirname,
    });
    expect(second.stdout).toContain(`clickhouse.folder_in_use process ${process.pid} uses ${folder}`);
  });

  it('keeps its data and its rules over close and reopen', async () => {
    await chdb.client.command({
      query: 'CREATE TABLE kept (id UInt64, name String, amount Decimal(38, 12)) ENGINE = MergeTree ORDER BY id',
    });
    await insertRows(chdb.client, 'kept', ['id', 'name', 'amount'], '[1,"a","0.1"]\n', 'JSONCompactEachRow');
    const { client } = chdb;
    await chdb.close();
    await expect(client.query({ query: 'SELECT 1' })).rejects.toThrow('closed');
    chdb = await openChdb({ folder });
    const kept = await chdb.client.query({ query: 'SELECT * FROM kept', format: 'JSONCompactEachRow' });
    expect(await kept.json()).toEqual([['1', 'a', '0.1']]);
    expect(await codeOf(chdb.client.command({ query: "SELECT * FROM file('/etc/passwd', 'LineAsString')" }))).toBe('497');
  });
});
