import {
  LeaseLostError,
  type CommittedSegment,
  type Cut,
  type Database,
  type DerivedRange,
  type Lease,
  type PlannedSegment,
  type SegmentLedger,
  type SegmentManifest,
  type SegmentRange,
  type SqlExecutor,
  type Wake,
} from '@meterline/pipeline/ports';
import { configAt, configVersion, setAcceptance } from './meter-config.ts';

interface LeaseRow {
  partition: number;
  epoch: string;
  next_offset: string;
}

interface SegmentRow {
  partition: number;
  start_offset: string;
  end_offset: string;
  config_version: string;
  manifest: SegmentManifest;
}

/**
 * The segment ledger on PostgreSQL or PGlite. `planWith`: the version of the configuration that segments are planned with in place of the newest, for
 * records that are counted a second time.
 */
export function postgresSegmentLedger(database: Database, planWith: () => number | null = () => null): SegmentLedger {
  return {
    acquire: (logId, partitions, owner) => database.transaction((tx) => acquire(tx, logId, partitions, owner)),
    unfinished: (logId) => unfinished(database, logId),
    plan: (logId, leases, ranges) => database.transaction((tx) => plan(tx, logId, leases, ranges, planWith())),
    commit: (logId, leases, segments, wakes) => database.transaction((tx) => commit(tx, logId, leases, segments, wakes)),
    committedCut: (logId) => committedCut(database, logId),
    sealedCut: (logId) => sealedCut(database, logId),
    sealedSince: (logId, appendedBeforeMs) => sealedSince(database, logId, appendedBeforeMs),
    segments: (logId, partition) => segmentsOf(database, logId, partition),
    unsealed: (logId, limit, partitions) => unsealed(database, logId, limit, partitions),
    seal: (logId, segments) => seal(database, logId, segments),
    configVersion: () => configVersion(database),
    configAt: (version) => configAt(database, version),
    setAcceptance: (window) => database.transaction((tx) => setAcceptance(tx, window)),
  };
}

async function acquire(tx: SqlExecutor, logId: string, partitions: readonly number[], owner: string): Promise<Lease[]> {
  await tx.query(`insert into event_log (log_id, partition_count) values ($1, $2) on conflict do nothing`, [
    logId,
    Math.max(...partitions) + 1,
  ]);
  const rows = await tx.query<LeaseRow>(
    `insert into lease (log_id, partition, epoch, owner)
     select $1, partition, 1, $3 from unnest($2::int[]) as wanted (partition) order by partition
     on conflict (log_id, partition) do update set epoch = lease.epoch + 1, owner = excluded.owner
     returning partition, epoch, next_offset`,
    [logId, partitions, owner],
  );
  return rows.map((row) => ({ partition: row.partition, epoch: Number(row.epoch), nextOffset: Number(row.next_offset) }));
}

async function unfinished(sql: SqlExecutor, logId: string): Promise<PlannedSegment[]> {
  const rows = await sql.query<SegmentRow>(
    `select partition, start_offset, end_offset, config_version from segment where log_id = $1 and state = 'planned' order by partition`,
    [logId],
  );
  return rows.map(plannedSegment);
}

/** The leases are locked before the configuration is read, so a version made after the lock is never the one planned with. */
async function plan(
  tx: SqlExecutor,
  logId: string,
  leases: readonly Lease[],
  ranges: readonly SegmentRange[],
  version: number | null,
): Promise<PlannedSegment[]> {
  const held = await tx.query<LeaseRow>(
    `select partition, epoch, next_offset from lease where log_id = $1 and partition = any ($2::int[]) order by partition for update`,
    [logId, ranges.map(({ partition }) => partition)],
  );
  const byPartition = new Map(held.map((row) => [row.partition, row]));
  for (const { partition, start } of ranges) {
    const row = byPartition.get(partition);
    const lease = leases.find((one) => one.partition === partition);
    if (!row || !lease || Number(row.epoch) !== lease.epoch || Number(row.next_offset) !== start) throw leaseLost(partition);
  }
  const rows = await tx.query<SegmentRow>(
    `insert into segment (log_id, partition, start_offset, end_offset, state, config_version)
     select $1, planned.p, planned.s, planned.e, 'planned', coalesce($5, (select version from meter_config))
     from unnest($2::int[], $3::bigint[], $4::bigint[]) as planned (p, s, e)
     returning partition, start_offset, end_offset, config_version`,
    [logId, ...columns(ranges), version],
  );
  return rows.map(plannedSegment);
}

async function commit(
  tx: SqlExecutor,
  logId: string,
  leases: readonly Lease[],
  segments: readonly DerivedRange[],
  wakes: readonly Wake[],
): Promise<void> {
  const epochs = segments.map(({ partition }) => leases.find((lease) => lease.partition === partition)?.epoch ?? -1);
  // In the order in which acquire and plan lock them: an update alone takes them as its plan comes along, and two could wait for each other.
  await tx.query(`select 1 from lease where log_id = $1 and partition = any ($2::int[]) order by partition for update`, [
    logId,
    segments.map(({ partition }) => partition),
  ]);
  const moved = await tx.query<{ partition: number }>(
    `update lease set next_offset = done.e
     from unnest($2::int[], $3::bigint[], $4::bigint[], $5::bigint[]) as done (p, s, e, epoch)
     where lease.log_id = $1 and lease.partition = done.p and lease.epoch = done.epoch and lease.next_offset = done.s
     returning lease.partition`,
    [logId, ...columns(segments), epochs],
  );
  const written = await tx.query<{ partition: number }>(
    `update segment set state = 'committed', manifest = done.manifest::jsonb
     from unnest($2::int[], $3::bigint[], $4::bigint[], $5::text[]) as done (p, s, e, manifest)
     where log_id = $1 and partition = done.p and start_offset = done.s and end_offset = done.e and state = 'planned'
     returning partition`,
    [logId, ...columns(segments), segments.map(({ manifest }) => JSON.stringify(manifest))],
  );
  if (moved.length !== segments.length || written.length !== segments.length) {
    throw leaseLost(
      segments.find(({ partition }) => !moved.some((row) => row.partition === partition))?.partition ??
        segments[0]?.partition ??
        -1,
    );
  }
  if (wakes.length === 0) return;
  await tx.query(`insert into rating_wakeup (tenant, subjects) select * from unnest($1::text[], $2::jsonb[])`, [
    wakes.map(({ tenant }) => tenant),
    wakes.map(({ subjects }) => JSON.stringify(subjects)),
  ]);
}

async function committedCut(sql: SqlExecutor, logId: string): Promise<Cut> {
  const rows = await sql.query<LeaseRow>(`select partition, next_offset from lease where log_id = $1 order by partition`, [
    logId,
  ]);
  return rows.map((row) => Number(row.next_offset));
}

async function sealedCut(sql: SqlExecutor, logId: string): Promise<Cut> {
  const rows = await sql.query<{ cut: string }>(
    `select coalesce(min(segment.start_offset), lease.next_offset) as cut
     from lease left join segment
       on segment.log_id = lease.log_id and segment.partition = lease.partition and segment.state <> 'sealed'
     where lease.log_id = $1 group by lease.partition, lease.next_offset order by lease.partition`,
    [logId],
  );
  return rows.map(({ cut }) => Number(cut));
}

async function sealedSince(sql: SqlExecutor, logId: string, appendedBeforeMs: number): Promise<Cut> {
  const rows = await sql.query<{ cut: string }>(
    `select coalesce(max(segment.end_offset), 0) as cut
     from lease left join segment on segment.log_id = lease.log_id and segment.partition = lease.partition and segment.state = 'sealed'
       and (segment.manifest ->> 'appendedThroughMs')::numeric < $2
     where lease.log_id = $1 group by lease.partition order by lease.partition`,
    [logId, appendedBeforeMs],
  );
  return rows.map(({ cut }) => Number(cut));
}

async function unsealed(
  sql: SqlExecutor,
  logId: string,
  limit: number,
  partitions?: readonly number[],
): Promise<CommittedSegment[]> {
  const rows = await sql.query<SegmentRow>(
    `select partition, start_offset, end_offset, config_version, manifest from segment
     where log_id = $1 and state = 'committed' and ($3::int[] is null or partition = any ($3::int[]))
     order by start_offset, partition limit $2`,
    [logId, limit, partitions ?? null],
  );
  return rows.map((row) => ({ ...plannedSegment(row), manifest: row.manifest }));
}

async function segmentsOf(sql: SqlExecutor, logId: string, partition: number): Promise<CommittedSegment[]> {
  const rows = await sql.query<SegmentRow>(
    `select partition, start_offset, end_offset, config_version, manifest from segment
     where log_id = $1 and partition = $2 and state <> 'planned' order by start_offset`,
    [logId, partition],
  );
  return rows.map((row) => ({ ...plannedSegment(row), manifest: row.manifest }));
}

async function seal(sql: SqlExecutor, logId: string, segments: readonly SegmentRange[]): Promise<void> {
  await sql.query(
    `update segment set state = 'sealed'
     from unnest($2::int[], $3::bigint[], $4::bigint[]) as done (p, s, e)
     where log_id = $1 and partition = done.p and start_offset = done.s and end_offset = done.e and state = 'committed'`,
    [logId, ...columns(segments)],
  );
}

function columns(ranges: readonly SegmentRange[]): [number[], number[], number[]] {
  return [ranges.map(({ partition }) => partition), ranges.map(({ start }) => start), ranges.map(({ end }) => end)];
}

function plannedSegment(row: Omit<SegmentRow, 'manifest'>): PlannedSegment {
  const { partition, start_offset, end_offset, config_version } = row;
  return { partition, start: Number(start_offset), end: Number(end_offset), configVersion: Number(config_version) };
}

function leaseLost(partition: number): LeaseLostError {
  return new LeaseLostError(`partition ${partition} has another owner or another next offset`);
}
