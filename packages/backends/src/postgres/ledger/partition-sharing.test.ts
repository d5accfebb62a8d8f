import path from 'node:path';
import type { Database } from '@meterline/pipeline/ports';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { openPglite } from '../../embedded/index.ts';
import { migrate } from '../migrate.ts';
import { postgresPartitionSharing } from './partition-sharing.ts';

const MIGRATIONS = path.join(import.meta.dirname, '../../../../../infra/postgres/migrations');

let database: Database;
let logId = '';
let logs = 0;
beforeAll(async () => {
  const opened = await openPglite({ folder: null });
  await migrate(opened, MIGRATIONS);
  database = opened;
});
afterAll(() => database.close());
beforeEach(() => {
  logs += 1;
  logId = `log-${logs}`;
});

/** As if the member's last heartbeat had been this long ago. */
async function age(member: string, byMs: number): Promise<void> {
  await database.query(
    `update aggregator_member set heartbeat_at = heartbeat_at - make_interval(secs => $3::float8 / 1000) where log_id = $1 and member = $2`,
    [logId, member, byMs],
  );
}

const partitionsOf = (leases: readonly { partition: number }[]): number[] => leases.map(({ partition }) => partition).sort();

it('begins a log once, with every partition free, and refuses it another number of partitions', async () => {
  const sharing = postgresPartitionSharing(database);
  await Promise.all([sharing.open(logId, 3), sharing.open(logId, 3)]);
  expect(await sharing.heartbeat(logId, 'a')).toEqual({ members: ['a'], owners: ['', '', ''] });
  await expect(sharing.open(logId, 4)).rejects.toMatchObject({ code: 'event_log.partition_count' });
});

it('gives a partition to the first who claims it, and to nobody else while that one lives', async () => {
  const sharing = postgresPartitionSharing(database);
  await sharing.open(logId, 3);
  await sharing.heartbeat(logId, 'a');
  await sharing.heartbeat(logId, 'b');
  expect(partitionsOf(await sharing.claim(logId, [0, 1], 'a'))).toEqual([0, 1]);
  expect(partitionsOf(await sharing.claim(logId, [0, 1, 2], 'b'))).toEqual([2]);
  expect(await sharing.heartbeat(logId, 'b')).toEqual({ members: ['a', 'b'], owners: ['a', 'a', 'b'] });
});

it('raises the epoch with every claim, also of its own partition, so that what was under way before cannot commit', async () => {
  const sharing = postgresPartitionSharing(database);
  await sharing.open(logId, 1);
  await sharing.heartbeat(logId, 'a');
  const [first] = await sharing.claim(logId, [0], 'a');
  const [again] = await sharing.claim(logId, [0], 'a');
  expect(again).toEqual({ partition: 0, epoch: (first?.epoch ?? 0) + 1, nextOffset: 0 });
});

it('lets others have at once what was released, and all of a member that leaves', async () => {
  const sharing = postgresPartitionSharing(database);
  await sharing.open(logId, 3);
  await sharing.heartbeat(logId, 'a');
  await sharing.heartbeat(logId, 'b');
  await sharing.claim(logId, [0, 1, 2], 'a');
  await sharing.release(logId, [0], 'a');
  expect(partitionsOf(await sharing.claim(logId, [0, 1, 2], 'b'))).toEqual([0]);
  await sharing.release(logId, [0], 'a');
  expect((await sharing.heartbeat(logId, 'b')).owners).toEqual(['b', 'a', 'a']);
  await sharing.leave(logId, 'a');
  expect(await sharing.heartbeat(logId, 'b')).toEqual({ members: ['b'], owners: ['b', '', ''] });
});

it('takes a member for dead when its heartbeat is older than the limit, and not before', async () => {
  const sharing = postgresPartitionSharing(database, 6_000);
  await sharing.open(logId, 1);
  await sharing.heartbeat(logId, 'a');
  await sharing.claim(logId, [0], 'a');
  await age('a', 4_000);
  expect((await sharing.heartbeat(logId, 'b')).members).toEqual(['a', 'b']);
  expect(await sharing.claim(logId, [0], 'b')).toEqual([]);
  await age('a', 2_001);
  expect((await sharing.heartbeat(logId, 'b')).members).toEqual(['b']);
  expect(partitionsOf(await sharing.claim(logId, [0], 'b'))).toEqual([0]);
  // it was only asleep: it lives again, and what it lost is not its own
  expect((await sharing.heartbeat(logId, 'a')).members).toEqual(['a', 'b']);
  expect(await sharing.claim(logId, [0], 'a')).toEqual([]);
});
