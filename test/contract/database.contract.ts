import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sqlState, type Database } from '@meterline/pipeline/ports';

/** What every `Database` promises; `open` answers one with the schema applied. */
export function databaseContract(name: string, open: () => Promise<Database>): void {
  describe(`${name} as Database`, () => {
    let database: Database;
    beforeAll(async () => {
      database = await open();
      await database.query('create table account (id integer primary key, balance numeric not null)');
    });
    afterAll(() => database.close());

    test('values come back as the port says', async () => {
      const [row] =
        await database.query(`select 9007199254740993::bigint as big, 0.10::numeric as amount, 7 as integer, 1.5::float8 as float,
        timestamptz '2026-11-22 02:20:10.123456+01' as instant, timestamptz '2026-11-22 00:00:00Z' as midnight, '{"a": [1]}'::jsonb as json,
        true as yes, null::text as nothing, '\\x00ff'::bytea as bytes, array['a', 'b,"c"', 'NULL', null, '']::text[] as texts, array[]::text[] as none`);
      expect(row).toEqual({
        big: '9007199254740993',
        amount: '0.10',
        integer: 7,
        float: 1.5,
        instant: '2026-11-22T01:20:10.123Z',
        midnight: '2026-11-22T00:00:00.000Z',
        json: { a: [1] },
        yes: true,
        nothing: null,
        bytes: new Uint8Array([0, 255]),
        texts: ['a', 'b,"c"', 'NULL', null, ''],
        none: [],
      });
    });

    test('parameters of every kind arrive as they were given', async () => {
      const texts = ['', 'a,b', 'say "hi"', 'back\\slash', '{}', 'NULL', null, 'zeile\numbruch', 'ü€𝄞'];
      const [row] = await database.query(
        `select $1::text[] as texts, $2::bigint[] as bigs, $3::jsonb as json, $4::timestamptz as instant, $5::bytea as bytes,
           $6::bigint as big, $7::boolean as yes, $8::integer as integer, $9::text as nothing, $10::numeric as amount`,
        [
          texts,
          [1n, '2', 3],
          JSON.stringify({ q: '"' }),
          new Date('2026-01-02T03:04:05.678Z'),
          new Uint8Array([1, 2]),
          2n ** 62n,
          false,
          -3,
          null,
          '1.10',
        ],
      );
      expect(row).toEqual({
        texts,
        bigs: ['1', '2', '3'],
        json: { q: '"' },
        instant: '2026-01-02T03:04:05.678Z',
        bytes: new Uint8Array([1, 2]),
        big: '4611686018427387904',
        yes: false,
        integer: -3,
        nothing: null,
        amount: '1.10',
      });
    });

    test('a transaction that rejects leaves nothing, one that resolves leaves everything', async () => {
      const failing = database.transaction(async (tx) => {
        await tx.query('insert into account values (1, 10)');
        expect(await tx.query('select balance from account where id = 1')).toEqual([{ balance: '10' }]);
        throw new Error('changed my mind');
      });
      await expect(failing).rejects.toThrow('changed my mind');
      const answer = await database.transaction(async (tx) => {
        await tx.query('insert into account values (2, 20)');
        return 'done';
      });
      expect(answer).toBe('done');
      expect(await database.query('select id from account where id < 3')).toEqual([{ id: 2 }]);
    });

    test('an error carries its SQLSTATE, and the next call works', async () => {
      await database.query('insert into account values (3, 0)');
      const error = await caught(database.query('insert into account values (3, 0)'));
      expect(sqlState(error)).toBe('23505');
      expect(error).toHaveProperty('message', expect.stringContaining('account_pkey'));
      expect(sqlState(await caught(database.query('select nonsense')))).toBe('42703');
      expect(await database.query('select 1 as one')).toEqual([{ one: 1 }]);
    });

    test('a transaction that swallowed a failed statement does not pretend to have committed', async () => {
      const swallowing = database.transaction(async (tx) => {
        await tx.query('insert into account values (4, 0)');
        await caught(tx.query('insert into account values (4, 0)'));
      });
      expect(sqlState(await caught(swallowing))).toBe('25P02');
      expect(await database.query('select id from account where id = 4')).toEqual([]);
    });

    test('fifty transactions at once, with plain queries between, lose no update', async () => {
      await database.query('insert into account values (5, 0)');
      const transfer = (index: number): Promise<unknown> =>
        database.transaction(async (tx) => {
          const [row] = await tx.query<{ balance: string }>('select balance from account where id = 5 for update');
          await new Promise(setImmediate);
          await tx.query('update account set balance = $1 where id = 5', [Number(row?.balance) + 1]);
          if (index % 5 === 0) throw new Error('rolled back');
        });
      const work = Array.from({ length: 50 }, (_, index) => [
        transfer(index),
        database.query(`update account set balance = balance + 1000 where id = 5`),
      ]);
      const outcomes = await Promise.allSettled(work.flat());
      expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(10);
      expect(await database.query('select balance from account where id = 5')).toEqual([{ balance: '50040' }]);
    });

    test('what is not committed is invisible outside', async () => {
      const inside = Promise.withResolvers<undefined>();
      const writing = database.transaction(async (tx) => {
        await tx.query('insert into account values (6, 1)');
        inside.resolve(undefined);
        await new Promise(setImmediate);
        throw new Error('rolled back');
      });
      await inside.promise;
      const [seen] = await Promise.all([database.query('select id from account where id = 6'), caught(writing)]);
      expect(seen).toEqual([]);
    });

    test('a change of a table is seen by statements prepared before it', async () => {
      await database.query('create table shape (id integer)');
      await database.query('insert into shape values (1)');
      expect(await database.query('select * from shape')).toEqual([{ id: 1 }]);
      await database.query(`alter table shape add column name text default 'new'`);
      expect(await database.query('select * from shape')).toEqual([{ id: 1, name: 'new' }]);
    });

    test('segments of a partition never overlap', async () => {
      await database.query(`insert into event_log (log_id, partition_count) values ('log', 1)`);
      await database.query(`insert into lease (log_id, partition) values ('log', 0)`);
      const plan = (start: number, end: number): Promise<unknown> =>
        database.query(
          `insert into segment (log_id, partition, start_offset, end_offset, state, config_version) values ('log', 0, $1, $2, 'planned', 1)`,
          [start, end],
        );
      await plan(0, 100);
      await plan(200, 300);
      await plan(100, 200);
      for (const [start, end] of [
        [150, 250],
        [0, 1],
        [50, 60],
        [99, 100],
        [0, 300],
        [250, 400],
        [299, 301],
      ] as const)
        // prettier-ignore
        expect(sqlState(await caught(plan(start, end)))).toBe('23P01');
      expect(sqlState(await caught(database.query('update segment set end_offset = 301 where start_offset = 200')))).toBe(
        'ML004',
      );
    });

    test('rolled-up ranges of a partition never overlap', async () => {
      await database.query(`insert into event_log (log_id, partition_count) values ('rolled', 2)`);
      await database.query(`insert into lease (log_id, partition) values ('rolled', 0), ('rolled', 1)`);
      const roll = (partition: number, start: number, end: number): Promise<unknown> =>
        database.query(
          `insert into rollup_range (log_id, partition, start_offset, end_offset, state) values ('rolled', $1, $2, $3, 'planned')`,
          [partition, start, end],
        );
      await roll(0, 0, 100);
      await roll(1, 50, 150);
      expect(sqlState(await caught(roll(0, 99, 200)))).toBe('23P01');
    });

    test('nothing is found by an index other than a B-tree: GiST was seen to lose entries', async () => {
      const others = await database.query(
        `select c.relname from pg_class c join pg_am on pg_am.oid = c.relam
         where c.relkind = 'i' and pg_am.amname <> 'btree' and c.relnamespace not in ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace)`,
      );
      expect(others).toEqual([]);
    });

    test('an issued invoice never changes', async () => {
      await issueInvoice(database);
      expect(sqlState(await caught(database.query(`update invoice set total = 0 where id = 'i'`)))).toBe('ML001');
      expect(sqlState(await caught(database.query(`delete from invoice where id = 'i'`)))).toBe('ML001');
      expect(await database.query('select total from invoice')).toEqual([{ total: '1.00' }]);
    });
  });
}

async function issueInvoice(database: Database): Promise<void> {
  const at = '2026-01-01T00:00:00Z';
  await database.query(`insert into tenant (id, name, created_at) values ('t', 'T', $1)`, [at]);
  await database.query(
    `insert into customer (tenant, key, name, currency, timezone, created_at) values ('t', 'c', 'C', 'USD', 'UTC', $1)`,
    [at],
  );
  await database.query(
    `insert into plan (tenant, key, name, currency, billing_period, latest_version, created_at) values ('t', 'p', 'P', 'USD', '{}', 1, $1)`,
    [at],
  );
  await database.query(
    `insert into plan_version (tenant, plan, version, rate_cards, created_at) values ('t', 'p', 1, '[]', $1)`,
    [at],
  );
  await database.query(`insert into subscription (id, tenant, customer, starts_at, created_at) values ('s', 't', 'c', $1, $1)`, [
    at,
  ]);
  await database.query(
    `insert into invoice (id, tenant, number, customer, subscription, period_from, period_to, currency, total, document, issued_at)
     values ('i', 't', '1', 'c', 's', $1, $1, 'USD', 1.00, '{}', $1)`,
    [at],
  );
}

async function caught(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => undefined,
    (error: unknown) => error,
  );
}
