import { Fault } from '@meterline/domain/faults';
import type { Database, Lease, PartitionSharing, SharingView, SqlExecutor } from '@meterline/pipeline/ports';

/** A member whose last heartbeat is older is taken for dead, and its partitions may be claimed. */
const HEARTBEAT_AGE_MS_MAX = 6_000;

const LIVING = `select member from aggregator_member where log_id = $1 and heartbeat_at > now() - make_interval(secs => $2::float8 / 1000)`;

/** Members, heartbeats and leases in PostgreSQL or PGlite. Every comparison of times is made by the database. */
export function postgresPartitionSharing(database: Database, heartbeatAgeMsMax = HEARTBEAT_AGE_MS_MAX): PartitionSharing {
  return {
    open: (logId, partitionCount) => database.transaction((tx) => open(tx, logId, partitionCount)),
    heartbeat: (logId, member) => heartbeat(database, { logId, member, heartbeatAgeMsMax }),
    claim: (logId, partitions, member) =>
      database.transaction((tx) => claim(tx, partitions, { logId, member, heartbeatAgeMsMax })),
    release: (logId, partitions, member) => database.transaction((tx) => free(tx, logId, partitions, member)),
    leave: (logId, member) =>
      database.transaction(async (tx) => {
        const held = await tx.query<{ partition: number }>(`select partition from lease where log_id = $1 and owner = $2`, [
          logId,
          member,
        ]);
        await free(
          tx,
          logId,
          held.map(({ partition }) => partition),
          member,
        );
        await tx.query(`delete from aggregator_member where log_id = $1 and member = $2`, [logId, member]);
      }),
  };
}

interface Asking {
  readonly logId: string;
  readonly member: string;
  readonly heartbeatAgeMsMax: number;
}

async function open(tx: SqlExecutor, logId: string, partitionCount: number): Promise<void> {
  await tx.query(`insert into event_log (log_id, partition_count) values ($1, $2) on conflict do nothing`, [
    logId,
    partitionCount,
  ]);
  const [log] = await tx.query<{ partition_count: number }>(`select partition_count from event_log where log_id = $1`, [logId]);
  if (log?.partition_count !== partitionCount) {
    throw new Fault(
      'conflict',
      'event_log.partition_count',
      `the event log was begun with ${log?.partition_count} partitions, not ${partitionCount}: their number cannot change, as ids are spread over them`,
    );
  }
  await tx.query(
    `insert into lease (log_id, partition) select $1, generate_series(0, $2::int - 1) order by 2 on conflict do nothing`,
    [logId, partitionCount],
  );
}

async function heartbeat(database: Database, { logId, member, heartbeatAgeMsMax }: Asking): Promise<SharingView> {
  await database.query(
    `insert into aggregator_member (log_id, member) values ($1, $2)
     on conflict (log_id, member) do update set heartbeat_at = now()`,
    [logId, member],
  );
  const [members, leases] = await Promise.all([
    database.query<{ member: string }>(`${LIVING} order by member`, [logId, heartbeatAgeMsMax]),
    database.query<{ owner: string }>(`select owner from lease where log_id = $1 order by partition`, [logId]),
  ]);
  return { members: members.map((row) => row.member), owners: leases.map((row) => row.owner) };
}

/** The dead are forgotten here, in the transaction that takes what was theirs. */
async function claim(
  tx: SqlExecutor,
  partitions: readonly number[],
  { logId, member, heartbeatAgeMsMax }: Asking,
): Promise<Lease[]> {
  await lockLeases(tx, logId, partitions);
  const rows = await tx.query<{ partition: number; epoch: string; next_offset: string }>(
    `update lease set epoch = epoch + 1, owner = $3
     where log_id = $1 and partition = any ($4::int[]) and (owner in ('', $3) or owner not in (${LIVING}))
     returning partition, epoch, next_offset`,
    [logId, heartbeatAgeMsMax, member, partitions],
  );
  await tx.query(
    `delete from aggregator_member where log_id = $1 and heartbeat_at < now() - make_interval(secs => $2::float8 / 100)`,
    [logId, heartbeatAgeMsMax],
  );
  return rows.map((row) => ({ partition: row.partition, epoch: Number(row.epoch), nextOffset: Number(row.next_offset) }));
}

async function free(tx: SqlExecutor, logId: string, partitions: readonly number[], member: string): Promise<void> {
  await lockLeases(tx, logId, partitions);
  await tx.query(`update lease set owner = '' where log_id = $1 and owner = $2 and partition = any ($3::int[])`, [
    logId,
    member,
    partitions,
  ]);
}

/** In the order in which the ledger locks them: an update alone takes them as its plan comes along, and two could wait for each other. */
async function lockLeases(tx: SqlExecutor, logId: string, partitions: readonly number[]): Promise<void> {
  await tx.query(`select 1 from lease where log_id = $1 and partition = any ($2::int[]) order by partition for update`, [
    logId,
    partitions,
  ]);
}
