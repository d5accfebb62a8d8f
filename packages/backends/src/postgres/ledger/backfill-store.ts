import { Fault } from '@meterline/domain/faults';
import type { Backfill, BackfillStore, Database, SqlExecutor } from '@meterline/pipeline/ports';
import { meterOf, type MeterRow } from '../meter-row.ts';

interface BackfillRow extends MeterRow {
  readonly id: number;
  readonly state: 'running' | 'complete';
  readonly boundaries: { before: number; voidBefore: number }[];
  readonly filled_through: number[];
}

const SELECT = `select meter_backfill.id, state, boundaries, filled_through, meter.*
  from meter_backfill join meter on meter.tenant = meter_backfill.tenant and meter.key = meter_backfill.meter`;

export function postgresBackfillStore(database: Database): BackfillStore {
  return {
    start: (logId, tenant, meterKey, nowMs) => database.transaction((tx) => start(tx, logId, tenant, meterKey, nowMs)),
    find: (tenant, meterKey) => find(database, tenant, meterKey),
    async running() {
      return (await database.query<BackfillRow>(`${SELECT} where state = 'running' order by meter_backfill.id`)).map(backfillOf);
    },
    async progress(origin, filledThrough) {
      await database.query(`update meter_backfill set filled_through = $2::jsonb where id = $1`, [
        origin,
        JSON.stringify(filledThrough),
      ]);
    },
    complete: (backfill, subjects, nowMs) => database.transaction((tx) => complete(tx, backfill, subjects, nowMs)),
  };
}

async function find(sql: SqlExecutor, tenant: string, meterKey: string): Promise<Backfill | undefined> {
  const [row] = await sql.query<BackfillRow>(`${SELECT} where meter.key = $1 and meter.tenant = $2`, [meterKey, tenant]);
  return row && backfillOf(row);
}

/**
 * Planning locks leases first and reads the version after; locking them here first too means: what is planned already has an older version and lies
 * below `voidBefore`, what is planned later has the new one and withdraws filled events by itself.
 */
async function start(tx: SqlExecutor, logId: string, tenant: string, meterKey: string, nowMs: number): Promise<Backfill> {
  await tx.query(`select 1 from lease where log_id = $1 order by partition for update`, [logId]);
  const [meter] = await tx.query<{ created_version: string }>(
    `select created_version from meter where key = $1 and tenant = $2`,
    [meterKey, tenant],
  );
  if (meter === undefined) throw new Fault('not_found', 'meter.unknown', `there is no meter "${meterKey}"`);
  const existing = await find(tx, tenant, meterKey);
  if (existing !== undefined) return existing;
  const boundaries = await tx.query<{ before: string; void_before: string }>(
    `select coalesce(min(segment.start_offset) filter (where segment.config_version >= $2), greatest(max(segment.end_offset), lease.next_offset)) as before,
       greatest(max(segment.end_offset), lease.next_offset) as void_before
     from lease left join segment on segment.log_id = lease.log_id and segment.partition = lease.partition
     where lease.log_id = $1 group by lease.partition, lease.next_offset order by lease.partition`,
    [logId, meter.created_version],
  );
  const [version] = await tx.query<{ version: string }>(`update meter_config set version = version + 1 returning version`);
  const rows = boundaries.map((row) => ({ before: Number(row.before), voidBefore: Number(row.void_before) }));
  await tx.query(
    `insert into meter_backfill (tenant, meter, config_version, boundaries, filled_through, state, created_at)
     values ($1, $2, $3, $4::jsonb, $5::jsonb, 'running', $6)`,
    [tenant, meterKey, version?.version ?? null, JSON.stringify(rows), JSON.stringify(rows.map(() => 0)), new Date(nowMs)],
  );
  const created = await find(tx, tenant, meterKey);
  if (created === undefined) throw new Error('a backfill that was just stored is not there');
  return created;
}

async function complete(tx: SqlExecutor, { origin, meter }: Backfill, subjects: readonly string[], nowMs: number): Promise<void> {
  const done = await tx.query(
    `update meter_backfill set state = 'complete', completed_at = $2 where id = $1 and state = 'running' returning id`,
    [origin, new Date(nowMs)],
  );
  if (done.length === 0 || subjects.length === 0) return;
  await tx.query(`insert into rating_wakeup (tenant, subjects) values ($1, $2::jsonb)`, [meter.tenant, JSON.stringify(subjects)]);
}

function backfillOf(row: BackfillRow): Backfill {
  return {
    origin: row.id,
    state: row.state,
    boundaries: row.boundaries,
    filledThrough: row.filled_through,
    meter: meterOf(row),
  };
}
