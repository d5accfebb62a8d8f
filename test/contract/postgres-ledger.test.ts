import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  catalogStores,
  postgresBackfillStore,
  postgresPartitionSharing,
  postgresRollupLedger,
  postgresSegmentLedger,
  type Postgres,
} from '@meterline/backends/postgres';
import { LeaseLostError, type Database, type DerivedRange, type Lease, type SegmentManifest } from '@meterline/pipeline/ports';
import { freshDatabase, onEngines } from '../engines/index.ts';
import { heldAfter, together, untilWaiting } from '../support/parallel.ts';

const NOTHING = { rows: 0, xor: '0' };
const MANIFEST: SegmentManifest = {
  accepted: 1,
  duplicate: 0,
  conflict: 0,
  rejected: 0,
  unmetered: 0,
  appendedThroughMs: 1,
  identity: { event: NOTHING, refused_event: NOTHING, event_key: NOTHING, usage_delta: NOTHING },
};
const WAKE = { tenant: 't', subjects: ['s'] };
const derived = (partition: number, start: number, end: number): DerivedRange => ({ partition, start, end, manifest: MANIFEST });

await onEngines('the ledger on parallel connections of PostgreSQL', ['postgres'], async ({ postgres }) => {
  const fresh = await freshDatabase(postgres);
  let database: Postgres;
  let other: Postgres;
  let logs = 0;
  let log = '';

  beforeAll(async () => {
    database = await fresh.open({ poolMax: 16 });
    other = await fresh.open();
    await database.query(`insert into tenant (id, name, created_at) values ('t', 't', now())`);
  });
  beforeEach(async () => {
    log = `log-${(logs += 1)}`;
    await database.query('delete from rating_wakeup');
  });
  afterAll(() => fresh.drop());

  const ledgerOn = (on: Database) => postgresSegmentLedger(on);
  const acquire = (partitions: number[], owner: string) => ledgerOn(database).acquire(log, partitions, owner);

  describe('the ledger on parallel connections', () => {
    test('owners that race for a partition leave segments that tile the log, each with its wake-up', async () => {
      const owner = (name: string) => async () => {
        const ledger = ledgerOn(database);
        let commits = 0;
        for (let round = 0; round < 12; round += 1) {
          try {
            const leases = await ledger.acquire(log, [0, 1], name);
            const open = await ledger.unfinished(log);
            const fresh = leases
              .filter(({ partition }) => open.every((segment) => segment.partition !== partition))
              .map(({ partition, nextOffset }) => ({ partition, start: nextOffset, end: nextOffset + 1 + (round % 3) }));
            const planned = fresh.length === 0 ? [] : await ledger.plan(log, leases, fresh);
            const segments = [...open, ...planned].map(({ partition, start, end }) => derived(partition, start, end));
            await ledger.commit(
              log,
              leases,
              segments,
              segments.map(() => WAKE),
            );
            commits += segments.length;
          } catch (error) {
            if (!(error instanceof LeaseLostError)) throw error;
          }
        }
        return commits;
      };
      const commits = (await together(['a', 'b', 'c', 'd', 'e', 'f'].map(owner))).reduce((sum, count) => sum + count, 0);
      const cut = await ledgerOn(database).committedCut(log);
      let counted = 0;
      for (const [partition, next] of cut.entries()) {
        const segments = await ledgerOn(database).segments(log, partition);
        expect(segments.map(({ start }) => start)).toEqual([0, ...segments.map(({ end }) => end)].slice(0, -1));
        expect(segments.at(-1)?.end).toBe(next);
        counted += segments.length;
      }
      expect(commits).toBe(counted);
      expect(commits).toBeGreaterThan(0);
      expect(await database.query('select id from rating_wakeup')).toHaveLength(commits);
    });

    test('whoever acquires while a commit is under way goes on behind it', async () => {
      const leases = await acquire([0], 'a');
      await ledgerOn(database).plan(log, leases, [{ partition: 0, start: 0, end: 10 }]);
      const held = heldAfter(database, /^update segment/);
      const committing = ledgerOn(held.database).commit(log, leases, [derived(0, 0, 10)], []);
      await held.reached;
      const acquiring = ledgerOn(other).acquire(log, [0], 'b');
      await untilWaiting(other);
      held.release();
      await committing;
      expect(await acquiring).toEqual([{ partition: 0, epoch: 2, nextOffset: 10 }]);
    });

    test('a former owner neither plans nor commits once another acquired, also while that is under way', async () => {
      const leases = await acquire([0], 'a');
      await ledgerOn(database).plan(log, leases, [{ partition: 0, start: 0, end: 10 }]);
      const held = heldAfter(other, /^insert into lease/);
      const acquiring = ledgerOn(held.database).acquire(log, [0], 'b');
      await held.reached;
      const late = [
        ledgerOn(database).commit(log, leases, [derived(0, 0, 10)], [WAKE]),
        ledgerOn(database).plan(log, leases, [{ partition: 0, start: 0, end: 20 }]),
      ];
      const outcomes = Promise.allSettled(late);
      await untilWaiting(database, 2);
      held.release();
      await acquiring;
      for (const outcome of await outcomes) expect(outcome).toMatchObject({ reason: expect.any(LeaseLostError) });
      expect(await ledgerOn(database).committedCut(log)).toEqual([0]);
      expect(await database.query('select id from rating_wakeup')).toEqual([]);
    });

    test('a commit locks its leases in the order of partitions, as everybody does, whatever order it is given', async () => {
      // What the planner does with a small table says nothing: this one walks the list as given.
      await database.query(`alter database ${new URL(fresh.url).pathname.slice(1)} set enable_hashjoin = off`);
      await database.query(`alter database ${new URL(fresh.url).pathname.slice(1)} set enable_mergejoin = off`);
      await database.query(`alter database ${new URL(fresh.url).pathname.slice(1)} set enable_seqscan = off`);
      const walking = await fresh.open();
      const leases = await acquire([0, 1, 2], 'a');
      const ranges = [2, 1, 0].map((partition) => ({ partition, start: 0, end: 5 }));
      await ledgerOn(database).plan(log, leases, ranges);
      let committing: Promise<void> | undefined;
      await other.transaction(async (tx) => {
        await tx.query('select 1 from lease where log_id = $1 and partition = 0 for update', [log]);
        committing = ledgerOn(walking).commit(
          log,
          leases,
          ranges.map(({ partition }) => derived(partition, 0, 5)),
          [],
        );
        await untilWaiting(database);
        // would fail with 55P03 if the waiting commit held them already
        await tx.query('select 1 from lease where log_id = $1 and partition in (1, 2) for update nowait', [log]);
      });
      await committing;
      expect(await ledgerOn(database).committedCut(log)).toEqual([5, 5, 5]);
    });

    test.each(['release', 'leave'] as const)('to %s locks leases in the order of partitions, too', async (how) => {
      const name = new URL(fresh.url).pathname.slice(1);
      const disabled = ['enable_indexscan', 'enable_indexonlyscan', 'enable_bitmapscan'];
      await database.query(`alter database ${name} set enable_seqscan = on`);
      for (const plan of disabled) await database.query(`alter database ${name} set ${plan} = off`);
      const walking = await fresh.open();
      for (const plan of disabled) await database.query(`alter database ${name} reset ${plan}`);
      await acquire([0, 1, 2], 'a');
      // A scan of the table finds it last now.
      await acquire([0], 'a');
      const sharing = postgresPartitionSharing(walking);
      let freeing: Promise<void> | undefined;
      await other.transaction(async (tx) => {
        await tx.query('select 1 from lease where log_id = $1 and partition = 0 for update', [log]);
        freeing = how === 'leave' ? sharing.leave(log, 'a') : sharing.release(log, [0, 1, 2], 'a');
        await untilWaiting(database);
        await tx.query('select 1 from lease where log_id = $1 and partition in (1, 2) for update nowait', [log]);
      });
      await freeing;
      const owners = await database.query(`select owner from lease where log_id = $1 and owner <> ''`, [log]);
      expect(owners).toEqual([]);
    });

    test('of two faulty owners that insert overlapping segments at once, past all checks of the ledger, one is refused', async () => {
      await acquire([0], 'a');
      const insert = (on: Pick<Database, 'query'>, start: number, end: number) =>
        on.query(
          `insert into segment (log_id, partition, start_offset, end_offset, state, config_version) values ($1, 0, $2, $3, 'planned', 1)`,
          [log, start, end],
        );
      const refused = other.transaction(async (tx) => {
        await insert(tx, 0, 10);
        const second = expect(insert(database, 5, 15)).rejects.toMatchObject({ code: '23P01' });
        await untilWaiting(database);
        return { second };
      });
      await (
        await refused
      ).second;
      expect(await database.query('select end_offset from segment where log_id = $1', [log])).toEqual([{ end_offset: '10' }]);
    });

    test('several that plan rollups at once plan each range once, without an error', async () => {
      const leases = await sealedSegments([0, 1], 4);
      expect(leases).toHaveLength(2);
      const rule = { segmentsMin: 2, segmentsMax: 4, olderThanMs: 0 };
      const held = heldAfter(other, /insert into rollup_range/);
      const first = postgresRollupLedger(held.database).planRollups(log, rule);
      await held.reached;
      const second = postgresRollupLedger(database).planRollups(log, rule);
      await untilWaiting(database);
      held.release();
      expect(await first).toHaveLength(2);
      expect(await second).toEqual([]);
    });

    test('several that commit the same rollup leave segments that tile the log', async () => {
      await sealedSegments([0], 6);
      const [range] = await postgresRollupLedger(database).planRollups(log, { segmentsMin: 2, segmentsMax: 4, olderThanMs: 0 });
      if (range === undefined) throw new Error('nothing to roll up');
      await together(Array.from({ length: 4 }, () => () => postgresRollupLedger(database).commitRollup(log, range)));
      const segments = await ledgerOn(database).segments(log, 0);
      expect(segments.map(({ start, end }) => [start, end])).toEqual([[0, 4], [4, 5], [5, 6]]); // prettier-ignore
      expect(segments[0]?.manifest.accepted).toBe(4);
    });

    test('starters that set the acceptance window at once agree on one', async () => {
      const empty = await freshDatabase(postgres);
      try {
        const starters = await Promise.all([empty.open(), empty.open(), empty.open(), empty.open()]);
        const window = { pastMs: 1000, futureMs: 10 };
        await together(starters.map((starter) => () => ledgerOn(starter).setAcceptance(window)));
        expect(await starters[0].query('select config_version from acceptance_window')).toEqual([{ config_version: '1' }]);
        expect((await ledgerOn(starters[0]).configAt(1)).acceptance).toEqual(window);
        const changed = { pastMs: 2000, futureMs: 10 };
        await together(starters.map((starter) => () => ledgerOn(starter).setAcceptance(changed)));
        expect(await ledgerOn(starters[0]).configVersion()).toBe(2);
      } finally {
        await empty.drop();
      }
    });

    test('a segment planned with a configuration version is read with every meter of that version', async () => {
      const leases = await acquire([0], 'a');
      await ledgerOn(database).setAcceptance({ pastMs: 1000, futureMs: 10 });
      const meters = catalogStores(database).meters;
      const draft = (key: string) => ({ key, name: key, eventType: 'call', aggregation: 'count', valueProperty: null, dimensions: {}, filter: {} }) as const; // prettier-ignore
      const { meter, planned } = await other.transaction(async (tx) => {
        const inside = catalogStores({ query: tx.query, transaction: (work) => work(tx), close: async () => {} });
        const created = await inside.meters.insert(draft('first'), 1, 't');
        return { meter: created, planned: await ledgerOn(database).plan(log, leases, [{ partition: 0, start: 0, end: 5 }]) };
      });
      // planned while the meter was not committed: with the version before
      expect(planned[0]?.configVersion).toBe((meter?.createdVersion ?? 0) - 1);
      const made = await together(['a', 'b', 'c', 'd'].map((key) => () => meters.insert(draft(key), 1, 't')));
      expect(new Set(made.map((one) => one?.createdVersion)).size).toBe(4);
      const version = await ledgerOn(database).configVersion();
      expect((await ledgerOn(database).configAt(version)).meters).toHaveLength(5);
    });

    test('a backfill that starts while a segment is planned counts up to that segment', async () => {
      const leases = await acquire([0], 'a');
      const held = heldAfter(other, /^insert into segment/);
      const planning = ledgerOn(held.database).plan(log, leases, [{ partition: 0, start: 0, end: 7 }]);
      await held.reached;
      const starting = together([1, 2].map(() => () => postgresBackfillStore(database).start(log, 't', 'first', 1)));
      await untilWaiting(database, 2);
      held.release();
      await planning;
      const [one, two] = await starting;
      expect(one).toEqual(two);
      expect(one?.boundaries[0]?.voidBefore).toBe(7);
    });
  });

  /** Segments of one record each, sealed. */
  async function sealedSegments(partitions: number[], count: number): Promise<Lease[]> {
    const ledger = ledgerOn(database);
    const leases = await acquire(partitions, 'a');
    for (let start = 0; start < count; start += 1) {
      const ranges = partitions.map((partition) => derived(partition, start, start + 1));
      const current = leases.map((lease) => ({ ...lease, nextOffset: start }));
      await ledger.plan(log, current, ranges);
      await ledger.commit(log, current, ranges, []);
      await ledger.seal(log, ranges);
    }
    return leases;
  }
});
