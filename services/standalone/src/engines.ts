import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  clickhouseRefusedEvents,
  clickhouseRollupStore,
  clickhouseUsageReader,
  clickhouseUsageStore,
  migrateClickhouse,
} from '@meterline/backends/clickhouse';
import { openBullmqQueue, openChdb, openLmdbLog, openPglite } from '@meterline/backends/embedded';
import {
  migrate,
  postgresBackfillStore,
  postgresRollupLedger,
  postgresSegmentLedger,
  usageVisibility,
} from '@meterline/backends/postgres';
import type { OnStop } from '@meterline/runtime/lifecycle';
import type { Logger } from '@meterline/runtime/logging';
import { decorated, type Decorations } from './decorations.ts';

const INFRA = path.join(import.meta.dirname, '../../../infra');

/** Statements of the usage store that run at once: three inserts, and queries beside them. Each holds a thread of Node's pool. */
const SESSIONS = 8;

export interface EngineOptions {
  readonly dataFolder: string;
  readonly partitions: number;
  readonly logger: Logger;
  readonly onStop: OnStop;
  readonly decorate?: Decorations;
}

export type Engines = Awaited<ReturnType<typeof openEngines>>;

/** Opens the embedded engines on one data folder, which this process then holds alone. They close in reverse order. */
export async function openEngines({ dataFolder, partitions, logger, onStop, decorate }: EngineOptions) {
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  const opening = openPglite({ folder: dataFolder, onFailure: fatal('the billing store stopped') });
  // the folder's lock is the first thing it takes: a second process stops here, before it touches the other engines
  await Promise.race([opening, nextTurn()]);
  const [database, chdb] = await Promise.all([opening, openChdb({ folder: path.join(dataFolder, 'usage'), poolSize: SESSIONS })]);
  onStop('billing store', () => database.close());
  onStop('usage store', () => chdb.close());
  const migrated = migrate(database, path.join(INFRA, 'postgres/migrations'));
  await Promise.all([migrated, migrateClickhouse(chdb.client, path.join(INFRA, 'clickhouse/migrations'))]);
  const log = decorated(decorate, 'log', await openLmdbLog({ folder: path.join(dataFolder, 'log'), partitionCount: partitions }));
  onStop('event log', () => log.close());
  const jobs = await openBullmqQueue({ database, onError: (error, job) => logger.error({ err: error, job }, 'a job failed') });
  onStop('job queue', () => jobs.close());

  const ledger = decorated(decorate, 'ledger', postgresSegmentLedger(database));
  const visibility = usageVisibility(database, ledger, log.logId);
  return {
    database,
    clickhouse: chdb.client,
    log,
    jobs,
    ledger,
    usage: decorated(decorate, 'usage', clickhouseUsageStore(chdb.client)),
    reader: clickhouseUsageReader(chdb.client, visibility),
    refusedEvents: clickhouseRefusedEvents(chdb.client, visibility),
    rollupLedger: decorated(decorate, 'rollupLedger', postgresRollupLedger(database)),
    rollupStore: decorated(decorate, 'rollupStore', clickhouseRollupStore(chdb.client)),
    backfills: postgresBackfillStore(database),
  };

  /** An engine that died cannot be used again in this process; a restart recovers everything acknowledged. */
  function fatal(what: string): (error: unknown) => void {
    return (error) => {
      logger.fatal({ err: error }, what);
      process.exit(1);
    };
  }
}
