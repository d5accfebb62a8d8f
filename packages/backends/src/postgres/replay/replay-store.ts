import { randomUUID } from 'node:crypto';
import { Fault } from '@meterline/domain/faults';
import type { MoveStep } from '@meterline/pipeline/move';
import type { Cut, Database, SqlExecutor } from '@meterline/pipeline/ports';

/** What is counted anew: the offsets are those of the former log, as the topic is the same. */
export interface ReplayLayout {
  readonly end: Cut;
  readonly steps: readonly MoveStep[];
}

export interface Replay {
  readonly topic: string;
  readonly formerLogId: string;
  readonly logId: string;
  readonly layout: ReplayLayout;
  /** Backfills to be made again, each with when it was completed. */
  readonly backfills: readonly { readonly id: number; readonly completedAt: string }[];
}

/** The one replay of a topic under way in a billing store. */
export interface ReplayStore {
  find(): Promise<Replay | undefined>;
  /** Services that are connected to the billing store now, as they call themselves. */
  services(): Promise<string[]>;
  /**
   * Gives the topic a log of its own making, counted from the start, and takes it from the former: from now on no service can start until `complete`.
   * Faults: `replay.services_running`, `replay.log_changed` if the former log was counted further than the layout says, `replay.other_under_way`.
   */
  begin(topic: string, formerLogId: string, layout: ReplayLayout): Promise<Replay>;
  /** The new log has the topic: services may start. */
  complete(replay: Replay): Promise<void>;
}

interface ReplayRow {
  topic: string;
  former_log_id: string;
  log_id: string;
  layout: ReplayLayout;
  backfills: Replay['backfills'];
}

export function postgresReplayStore(database: Database): ReplayStore {
  return {
    find: () => find(database),
    services: () => services(database),
    begin: (topic, formerLogId, layout) => database.transaction((tx) => begin(tx, topic, formerLogId, layout)),
    complete: ({ topic, formerLogId, logId }) =>
      database.transaction(async (tx) => {
        await tx.query(
          `update event_log set topic = $1, topic_id = former.topic_id
           from event_log as former where event_log.log_id = $2 and former.log_id = $3`,
          [topic, logId, formerLogId],
        );
        await tx.query(`update lease set owner = '' where log_id = $1`, [logId]);
        await tx.query('delete from replay');
      }),
  };
}

async function find(sql: SqlExecutor): Promise<Replay | undefined> {
  const [row] = await sql.query<ReplayRow>('select topic, former_log_id, log_id, layout, backfills from replay');
  if (row === undefined) return undefined;
  const { topic, former_log_id: formerLogId, log_id: logId, layout, backfills } = row;
  return { topic, formerLogId, logId, layout, backfills };
}

/** Every service names itself in its connections; heartbeats alone would not tell of rating workers, which must not bill from half a store. */
async function services(sql: SqlExecutor): Promise<string[]> {
  const rows = await sql.query<{ name: string }>(
    `select distinct substr(application_name, 11) as name from pg_stat_activity
     where datname = current_database() and application_name in
       ('meterline ingest', 'meterline aggregator', 'meterline rating-worker', 'meterline api') order by 1`,
  );
  const heartbeats = await sql.query(`select 1 from aggregator_member where heartbeat_at > now() - interval '6 seconds' limit 1`);
  const names = rows.map(({ name }) => name);
  return heartbeats.length > 0 ? [...new Set(['aggregator', ...names])].toSorted() : names;
}

async function begin(tx: SqlExecutor, topic: string, formerLogId: string, layout: ReplayLayout): Promise<Replay> {
  await tx.query('lock table replay in exclusive mode');
  if ((await find(tx)) !== undefined)
    throw new Fault('conflict', 'replay.other_under_way', 'another process has begun a replay: run the command again');
  const running = await services(tx);
  if (running.length > 0) throw servicesRunning(running);
  const leases = await tx.query<{ next_offset: string }>(
    `select next_offset from lease where log_id = $1 order by partition for update`,
    [formerLogId],
  );
  if (leases.map((lease) => lease.next_offset).join() !== layout.end.join())
    throw new Fault(
      'conflict',
      'replay.log_changed',
      'somebody counted on meanwhile: stop every service, then run the command again',
    );
  const logId = `replay-${randomUUID()}`;
  await tx.query('update event_log set topic = null where log_id = $1', [formerLogId]);
  await tx.query('insert into event_log (log_id, partition_count) values ($1, $2)', [logId, leases.length]);
  await tx.query('insert into lease (log_id, partition) select $1, generate_series(0, $2::int - 1)', [logId, leases.length]);
  const backfills = await tx.query<{ id: number; completedAt: string }>(
    `select id, completed_at as "completedAt" from meter_backfill where state = 'complete' order by id`,
  );
  await tx.query(
    `update meter_backfill set state = 'running', completed_at = null, filled_through = (select jsonb_agg(0) from jsonb_array_elements(boundaries))`,
  );
  await tx.query(
    'insert into replay (topic, former_log_id, log_id, layout, backfills) values ($1, $2, $3, $4::jsonb, $5::jsonb)',
    [topic, formerLogId, logId, JSON.stringify(layout), JSON.stringify(backfills)],
  );
  return { topic, formerLogId, logId, layout, backfills };
}

export function servicesRunning(names: readonly string[]): Fault {
  return new Fault('conflict', 'replay.services_running', `stop every service first; connected now: ${names.join(', ')}`);
}
