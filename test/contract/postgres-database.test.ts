import { afterAll, describe, expect, test } from 'vitest';
import { migrate, openPostgres } from '@meterline/backends/postgres';
import { freshDatabase, onEngines } from '../engines/index.ts';
import { migrationsFolder } from '../support/database.ts';
import { databaseContract } from './database.contract.ts';

await onEngines('PostgreSQL as Database', ['postgres'], async ({ postgres }) => {
  const fresh = await freshDatabase(postgres);
  afterAll(() => fresh.drop());
  databaseContract('PostgreSQL', () => fresh.open());

  describe('PostgreSQL', () => {
    test('several processes that migrate at once apply each file once', async () => {
      const empty = await freshDatabase(postgres, { migrated: false });
      try {
        const starters = await Promise.all([empty.open(), empty.open(), empty.open(), empty.open()]);
        const applied = await Promise.all(starters.map((database) => migrate(database, migrationsFolder)));
        const [counted] = await starters[0].query<{ files: string }>('select count(*) as files from schema_migration');
        expect(applied.flat()).toHaveLength(Number(counted?.files));
        expect(new Set(applied.flat()).size).toBe(applied.flat().length);
      } finally {
        await empty.drop();
      }
    });

    test('using the database instead of its transaction is refused', async () => {
      const database = await fresh.open({ poolMax: 1 });
      const nested = database.transaction(async (tx) => {
        await tx.query('select 1');
        return await database.query('select 2');
      });
      await expect(nested).rejects.toMatchObject({ code: 'database.nested_query' });
      expect(await database.query('select 3 as three')).toEqual([{ three: 3 }]);
    });

    test('a server that is not there is an error at the start', async () => {
      const opening = openPostgres({ url: 'postgres://nobody@127.0.0.1:9/none', onError: () => undefined });
      await expect(opening).rejects.toMatchObject({ code: 'billing_store.unreachable' });
    });

    test('a connection cut within a transaction rejects it, and the pool goes on', async () => {
      const database = await fresh.open();
      const killer = await fresh.open();
      await database.query('create table cut (id integer)');
      const cut = database.transaction(async (tx) => {
        await tx.query('insert into cut values (1)');
        const [self] = await tx.query<{ pid: number }>('select pg_backend_pid() as pid');
        await killer.query('select pg_terminate_backend($1)', [self?.pid ?? 0]);
        await tx.query('insert into cut values (2)');
      });
      await expect(cut).rejects.toMatchObject({ code: 'billing_store.unreachable' });
      expect(await database.query('select * from cut')).toEqual([]);
    });

    test('a connection cut while idle is replaced, and the owner is told', async () => {
      const errors: Error[] = [];
      const database = await fresh.open({ poolMax: 1, onError: (error) => errors.push(error) });
      const killer = await fresh.open();
      const [self] = await database.query<{ pid: number }>('select pg_backend_pid() as pid');
      await killer.query('select pg_terminate_backend($1)', [self?.pid ?? 0]);
      await expect.poll(() => errors.length).toBe(1);
      expect(await database.query('select 1 as one')).toEqual([{ one: 1 }]);
    });

    test('a connection cut while COMMIT is under way is an unknown outcome, and is not tried again', async () => {
      const database = await fresh.open();
      const killer = await fresh.open();
      await database.query('create table slow_commit (id integer)');
      // A deferred trigger makes the commit itself take time.
      await database.exec(`
        create function dawdle() returns trigger language plpgsql as $$ begin perform pg_sleep(30); return null; end $$;
        create constraint trigger dawdling after insert on slow_commit deferrable initially deferred for each row execute function dawdle()`);
      const begun = Promise.withResolvers<number>();
      let runs = 0;
      const committing = database.transaction(async (tx) => {
        runs += 1;
        const [self] = await tx.query<{ pid: number }>('select pg_backend_pid() as pid');
        await tx.query('insert into slow_commit values (1)');
        begun.resolve(self?.pid ?? 0);
      });
      const pid = await begun.promise;
      const isCommitting = async () =>
        (await killer.query('select 1 from pg_stat_activity where pid = $1 and wait_event = $2', [pid, 'PgSleep'])).length;
      await expect.poll(isCommitting).toBe(1);
      // Both at once: the commit may be known to be broken before the killer's own answer arrives.
      const refused = expect(committing).rejects.toMatchObject({ code: 'billing_store.outcome_unknown', kind: 'unavailable' });
      await Promise.all([refused, killer.query('select pg_terminate_backend($1)', [pid])]);
      expect(runs).toBe(1);
    });

    test('the victim of a deadlock is run again', async () => {
      const database = await fresh.open();
      await database.query('create table pair (id integer primary key, touched integer not null default 0)');
      await database.query('insert into pair values (1), (2)');
      const bothHold = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()] as const;
      const cross = (first: 0 | 1) =>
        database.transaction(async (tx) => {
          const touch = (id: number) => tx.query('update pair set touched = touched + 1 where id = $1', [id]);
          await touch(first + 1);
          bothHold[first].resolve(undefined);
          await bothHold[first === 0 ? 1 : 0].promise;
          await touch(2 - first);
        });
      await Promise.all([cross(0), cross(1)]);
      expect(await database.query('select touched from pair order by id')).toEqual([{ touched: 2 }, { touched: 2 }]);
    });

    test('a statement that takes too long is broken off by the server, with its SQLSTATE', async () => {
      const database = await fresh.open({ statementTimeoutMs: 50 });
      await expect(database.query('select pg_sleep(5)')).rejects.toMatchObject({ code: '57014' });
    });

    test('a frozen transaction loses its locks', async () => {
      const frozen = await fresh.open({ idleInTransactionTimeoutMs: 100 });
      const other = await fresh.open();
      await other.query('create table held (id integer)');
      const locked = Promise.withResolvers<undefined>();
      const thawed = Promise.withResolvers<undefined>();
      const holding = frozen.transaction(async (tx) => {
        await tx.query('lock table held in exclusive mode');
        locked.resolve(undefined);
        await thawed.promise;
        await tx.query('insert into held values (1)');
      });
      holding.catch(() => undefined);
      await locked.promise;
      await expect.poll(async () => other.query(`select 1 from pg_locks where relation = 'held'::regclass`)).toEqual([]);
      await other.query('insert into held values (2)');
      thawed.resolve(undefined);
      await expect(holding).rejects.toMatchObject({ code: 'billing_store.unreachable' });
      expect(await other.query('select id from held')).toEqual([{ id: 2 }]);
    });

    test('trouble tells that every connection is in use, and of nothing else', async () => {
      const database = await fresh.open({ poolMax: 1 });
      expect(await database.trouble()).toBeUndefined();
      const busy = database.query('select pg_sleep(2.5)');
      expect(await database.trouble()).toContain('every connection is in use');
      await busy;
      expect(await database.trouble()).toBeUndefined();
    });
  });
});
