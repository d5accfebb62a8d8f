import { Fault } from '@meterline/domain/faults';
import type { MoveLayout } from '@meterline/pipeline/move';
import type { Database, SqlExecutor } from '@meterline/pipeline/ports';

export interface MoveIds {
  readonly sourceLogId: string;
  /** Of the topic: another one after it was deleted and made anew. */
  readonly logId: string;
}

export interface MoveState {
  readonly state: 'running' | 'complete';
  /** Null until every record is in the new log. */
  readonly layout: MoveLayout | null;
}

/** The one move into a billing store. */
export interface MoveStore {
  find(): Promise<(MoveIds & MoveState) | undefined>;
  /**
   * Begins the move into a billing store that holds nothing yet but what "migrate" makes, which goes; or answers how far the same move has come.
   * From now on no service can start until it is complete. Faults: `move.other_under_way`, `move.target_not_empty`, `move.services_running`.
   */
  begin(ids: MoveIds, partitionCount: number): Promise<MoveState>;
  keepLayout(layout: MoveLayout): Promise<void>;
  setConfigVersion(version: number): Promise<void>;
  /** Gives the log its topic, in one transaction with the end of the move: services may start. */
  complete(ids: MoveIds, topic: string, configVersion: number): Promise<void>;
}

/** What "npm run migrate" and services that idle leave behind. It is replaced by what is moved. */
const MADE_BY_MIGRATE = [
  'audit_record',
  'idempotency_key',
  'api_key',
  'invoice_schedule',
  'tenant',
  'acceptance_window',
  'rating_wakeup',
];
/** The ledger of a log that nothing was read from, and what says nothing about a tenant. */
const OF_THE_INSTALLATION = ['event_log', 'lease', 'aggregator_member', 'meter_config', 'schema_migration', 'test_clock', 'move'];

export function postgresMoveStore(database: Database): MoveStore {
  return {
    find: () => find(database),
    begin: (ids, partitionCount) => database.transaction((tx) => begin(tx, ids, partitionCount)),
    async keepLayout(layout) {
      await database.query('update move set layout = $1::jsonb', [JSON.stringify(layout)]);
    },
    async setConfigVersion(version) {
      await database.query('update meter_config set version = $1', [version]);
    },
    complete: ({ logId }, topic, configVersion) =>
      database.transaction(async (tx) => {
        await tx.query('update event_log set topic = null where topic = $1', [topic]);
        await tx.query('update event_log set topic = $2 where log_id = $1', [logId, topic]);
        await tx.query('update meter_config set version = $1', [configVersion]);
        await tx.query(`update lease set owner = '' where log_id = $1`, [logId]);
        await tx.query(`update move set state = 'complete', completed_at = now()`);
      }),
  };
}

async function find(sql: SqlExecutor): Promise<(MoveIds & MoveState) | undefined> {
  const [row] = await sql.query<{
    source_log_id: string;
    log_id: string;
    state: MoveState['state'];
    layout: MoveLayout | null;
  }>('select source_log_id, log_id, state, layout from move');
  return row && { sourceLogId: row.source_log_id, logId: row.log_id, state: row.state, layout: row.layout };
}

async function begin(tx: SqlExecutor, { sourceLogId, logId }: MoveIds, partitionCount: number): Promise<MoveState> {
  await tx.query('lock table move in exclusive mode');
  const known = await find(tx);
  if (known !== undefined) {
    if (known.sourceLogId === sourceLogId && known.logId === logId) return known;
    throw new Fault(
      'conflict',
      'move.other_under_way',
      known.sourceLogId === sourceLogId
        ? 'the topic is not the one that this move began with: begin again with an empty billing store, usage store and topic'
        : 'another data folder is being moved, or was moved, into this billing store',
    );
  }
  await requireEmpty(tx);
  // First: from here on nothing is recorded as a change, and the records of what "migrate" made may go.
  await tx.query('insert into move (source_log_id, log_id, state) values ($1, $2, $3)', [sourceLogId, logId, 'running']);
  for (const table of MADE_BY_MIGRATE) await tx.query(`delete from ${table}`);
  // Without a topic: services look their log up by it, and "migrate" refuses a log that has none.
  await tx.query(
    `insert into event_log (log_id, partition_count) values ($1, $2) on conflict (log_id) do update set topic = null`,
    [logId, partitionCount],
  );
  return { state: 'running', layout: null };
}

async function requireEmpty(tx: SqlExecutor): Promise<void> {
  const living = await tx.query(`select 1 from aggregator_member where heartbeat_at > now() - interval '10 seconds'`);
  if (living.length > 0) {
    throw new Fault(
      'conflict',
      'move.services_running',
      'aggregators of the new deployment are running: stop its services, move, then start them',
    );
  }
  const tables = await tx.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'
       and not table_name = any ($1::text[]) order by 1`,
    [[...MADE_BY_MIGRATE, ...OF_THE_INSTALLATION]],
  );
  const filled: string[] = [];
  for (const { name } of tables) if ((await tx.query(`select 1 from "${name}" limit 1`)).length > 0) filled.push(name);
  const read = await tx.query('select 1 from lease where next_offset > 0 limit 1');
  if (filled.length === 0 && read.length === 0) return;
  throw new Fault(
    'conflict',
    'move.target_not_empty',
    `the billing store of the new deployment holds data already (${[...filled, ...(read.length > 0 ? ['lease'] : [])].join(', ')}): move into an empty one`,
  );
}
