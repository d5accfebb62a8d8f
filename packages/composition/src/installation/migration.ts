import type { Clock } from '@meterline/pipeline/ports';
import { postgresSegmentLedger } from '@meterline/backends/postgres';
import { generateApiKey } from '@meterline/runtime/keys';
import { openBillingStore, openEventLog, openUsageStore, requireSharedEngines } from '../engines/index.ts';
import type { ServiceContext } from '../service/index.ts';
import { hasApiKey, storeAdminKey } from './admin-key.ts';

export interface Migrated {
  readonly logId: string;
  readonly partitionCount: number;
  /** Made now, because there was none and none was given: the one time it is shown. */
  readonly freshKey: string | undefined;
}

/**
 * Makes everything ready that the services need, before they start: both schemas, the topic, its log and leases, the acceptance window, the first
 * tenant and its admin key. Safe to run again, and by several at once.
 */
export async function migrateInstallation(context: ServiceContext, clock: Clock): Promise<Migrated> {
  const { settings, logger } = context;
  requireSharedEngines(settings);
  const { database } = await openBillingStore(context, { migrating: true });
  logger.info('the billing store is ready');
  await openUsageStore(context, { migrating: true });
  logger.info('the usage store is ready');
  const { logId, partitionCount } = await openEventLog(context, database, { registering: true });
  logger.info({ logId, partitionCount }, 'the event log is ready');
  const { acceptPastMs: pastMs, acceptFutureMs: futureMs } = settings.ingest;
  await postgresSegmentLedger(database).setAcceptance({ pastMs, futureMs });
  const freshKey = settings.adminKey === null && !(await hasApiKey(database)) ? generateApiKey('live').token : undefined;
  const key = settings.adminKey ?? freshKey;
  if (key !== undefined) await storeAdminKey({ database, clock }, key);
  return { logId, partitionCount, freshKey };
}
