import { Readable } from 'node:stream';
import { type ClickHouseClient, ClickHouseError } from '@clickhouse/client';
import { insertRows } from '@meterline/backends/clickhouse';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

export interface OpenedClickhouse {
  readonly client: ClickHouseClient;
  close(): Promise<void>;
}

/** What statements of ours rely on, however they reach an engine. `afterData` looks at what inserted data may leave behind. */
export function clickhouseClientContract(
  name: string,
  open: () => Promise<OpenedClickhouse>,
  afterData: () => void = () => undefined,
): void {
  describe(name, () => {
    let opened: OpenedClickhouse;
    let client: ClickHouseClient;

    beforeAll(async () => {
      opened = await open();
      client = opened.client;
    });
    beforeEach(async () => {
      await client.command({
        query: 'CREATE OR REPLACE TABLE item (id UInt64, name String, amount Decimal(38, 12)) ENGINE = MergeTree ORDER BY id',
      });
    });
    afterAll(() => opened.close());

    async function rows<Row = unknown[]>(
      query: string,
      more: Omit<Parameters<ClickHouseClient['query']>[0], 'query' | 'format'> = {},
    ): Promise<Row[]> {
      return (await client.query({ query, format: 'JSONCompactEachRow', ...more })).json<Row>();
    }

    describe('values', () => {
      it('gives decimals and 64-bit integers as exact text', async () => {
        const amount = '99999999999999999999999999.123456789012';
        await insertRows(
          client,
          'item',
          ['id', 'name', 'amount'],
          `[18446744073709551615,"a","${amount}"]\n`,
          'JSONCompactEachRow',
        );
        expect(await rows('SELECT id, amount FROM item')).toEqual([['18446744073709551615', amount]]);
      });

      it('passes query parameters as values, whatever they contain', async () => {
        const text = "it's\n\t\\ {x:String} '); DROP TABLE item; --";
        const at = new Date('2026-03-01T10:00:00.123Z');
        const query_params = { text, at, list: [text, ''] };
        expect(await rows("SELECT {text:String}, {at:DateTime64(3, 'UTC')}, {list:Array(String)}", { query_params })).toEqual([
          [text, '2026-03-01 10:00:00.123', [text, '']],
        ]);
        expect(await rows('EXISTS item')).toEqual([[1]]);
      });

      it('passes parameters of many megabytes', async () => {
        const list = Array.from({ length: 100_000 }, (_, i) => `a subject with a long name, number ${i}`);
        expect(await rows('SELECT length({list:Array(String)}), {list:Array(String)}[-1]', { query_params: { list } })).toEqual([
          ['100000', list.at(-1)],
        ]);
      });

      it('does not fill a forgotten parameter with one of an earlier statement', async () => {
        for (let i = 0; i < 6; i++) await rows('SELECT {left_over:String}', { query_params: { left_over: 'x' } });
        for (let i = 0; i < 6; i++) expect(await codeOf(rows('SELECT {left_over:String}'))).toBe('456');
      });

      it('keeps the parameters of concurrent queries apart', async () => {
        const answers = await Promise.all(
          Array.from({ length: 300 }, (_, i) =>
            rows<[string]>('SELECT {value:String}', { query_params: { value: `value ${i}` } }),
          ),
        );
        expect(answers.map(([row]) => row?.[0])).toEqual(Array.from({ length: 300 }, (_, i) => `value ${i}`));
      });
    });

    describe('settings', () => {
      const wanted = "SELECT getSetting('max_threads'), getSetting('output_format_json_quote_decimals')";
      it('end with their statement, also when it fails', async () => {
        const [before] = await rows(wanted);
        const clickhouse_settings = { max_threads: 7, output_format_json_quote_decimals: 0 } as const;
        for (let i = 0; i < 6; i++) expect(await rows(wanted, { clickhouse_settings })).toEqual([[7, false]]);
        for (let i = 0; i < 6; i++) expect(await codeOf(rows('SELECT * FROM nowhere', { clickhouse_settings }))).toBe('60');
        for (let i = 0; i < 6; i++) expect(await rows(wanted)).toEqual([before]);
      });

      it('of an insert end with it: a deduplication token does not swallow later inserts', async () => {
        await client.command({ query: 'ALTER TABLE item MODIFY SETTING non_replicated_deduplication_window = 100' });
        const insert = (token: string | undefined) =>
          client.insert({
            table: 'item',
            values: [{ id: '1', name: 'a', amount: '1' }],
            format: 'JSONEachRow',
            clickhouse_settings: token === undefined ? { deduplicate_insert: 'disable' } : { insert_deduplication_token: token },
          });
        await insert('same');
        await insert('same');
        for (let i = 0; i < 4; i++) await insert(undefined);
        expect(await rows('SELECT count() FROM item')).toEqual([['5']]);
      });

      it('that do not exist are refused by name', async () => {
        expect(await codeOf(rows('SELECT 1', { clickhouse_settings: { no_such_setting: 1 } }))).toBe('115');
        expect(await codeOf(rows('SELECT 1', { clickhouse_settings: { 'a = 1; DROP TABLE item; --': 1 } }))).toBe('115');
      });
    });

    describe('inserted data', () => {
      it('is never run as SQL: not after a blank line, in no format', async () => {
        const attack = '\n\nDROP TABLE item\n';
        expect(
          await codeOf(insertRows(client, 'item', ['id', 'name', 'amount'], `[1,"a","1"]${attack}`, 'JSONCompactEachRow')),
        ).toBe('27');
        for (const format of ['TabSeparated', 'CSV', 'JSONEachRow', 'JSONCompactEachRow'] as const) {
          const first =
            format === 'JSONEachRow'
              ? '{"id":1,"name":"a","amount":"1"}'
              : format === 'JSONCompactEachRow'
                ? '[1,"a","1"]'
                : '1\ta\t1';
          const values = Readable.from([Buffer.from(first + attack)], { objectMode: false });
          await codeOf(client.exec({ query: `INSERT INTO item FORMAT ${format}`, values }));
        }
        expect(await rows('EXISTS item')).toEqual([[1]]);
      });

      it('may hold blank lines between rows', async () => {
        await insertRows(client, 'item', ['id', 'name', 'amount'], '[1,"a","1"]\n\n[2,"b","2"]\n', 'JSONCompactEachRow');
        expect(await rows('SELECT id FROM item ORDER BY id')).toEqual([['1'], ['2']]);
      });

      it('is stored byte for byte in binary and text formats, also split within a character', async () => {
        const name = 'grün\n\n"€", 😀';
        const csv = Buffer.from(`1,"${name.replaceAll('"', '""')}",1\n`);
        const values = Readable.from([csv.subarray(0, 5), csv.subarray(5)], { objectMode: false });
        await client.insert({ table: 'item', values, format: 'CSV' });
        const utf8 = Buffer.from([0xff, 0x00, 0x0a, 0x0a]);
        const row = Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 0, 0, 0, utf8.length]), utf8, Buffer.alloc(16)]);
        await client.exec({ query: 'INSERT INTO item FORMAT RowBinary', values: Readable.from([row], { objectMode: false }) });
        expect(await rows('SELECT hex(name) FROM item ORDER BY id')).toEqual([
          [Buffer.from(name).toString('hex').toUpperCase()],
          ['FF000A0A'],
        ]);
        afterData();
      });

      it('is inserted whole or not at all', async () => {
        const body = Array.from({ length: 1000 }, (_, i) => `[${i},"a","${i === 999 ? 'x' : '1'}"]`).join('\n');
        expect(await codeOf(insertRows(client, 'item', ['id', 'name', 'amount'], body, 'JSONCompactEachRow'))).not.toBe(
          'no error',
        );
        expect(await rows('SELECT count() FROM item')).toEqual([['0']]);
      });

      it('of a pre-encoded insert cannot bring names that are not identifiers', async () => {
        await expect(insertRows(client, 'item; DROP TABLE item', ['id'], '[1]', 'JSONCompactEachRow')).rejects.toThrow(TypeError);
        await expect(insertRows(client, 'item', ['id) VALUES (1); --'], '[1]', 'JSONCompactEachRow')).rejects.toThrow(TypeError);
      });
    });

    describe('statements', () => {
      it('fail with the code of the engine', async () => {
        expect(await codeOf(rows('SELEC 1'))).toBe('62');
        expect(await codeOf(rows('SELECT * FROM nowhere'))).toBe('60');
        expect(await codeOf(client.command({ query: 'CREATE TABLE item (id UInt64) ENGINE = MergeTree ORDER BY id' }))).toBe(
          '57',
        );
        expect(await codeOf(rows("'a text'"))).toBe('62');
      });

      it('are killed by an abort, whether running or waiting', async () => {
        const abort = new AbortController();
        const endless = {
          query: 'SELECT sum(sipHash64(number)) FROM numbers(1000000000000)',
          abort_signal: abort.signal,
        } as const;
        const start = () => expect(client.query(endless)).rejects.toThrow(/abort/i);
        const runningCount = () =>
          rows("SELECT count() FROM system.processes WHERE query LIKE '%sipHash64(number)%' AND query NOT LIKE '%processes%'");
        const started = [start(), start()];
        while (JSON.stringify(await runningCount()) !== '[["2"]]');
        started.push(start(), start(), start());
        abort.abort();
        await Promise.all(started);
        await expect.poll(runningCount, { timeout: 10_000 }).toEqual([['0']]);
      });
    });
  });
}

export function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'no error',
    (error: unknown) => (error instanceof ClickHouseError ? error.code : String(error)),
  );
}
