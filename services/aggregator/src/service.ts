import { postgresPartitionSharing } from '@meterline/backends/postgres';
import { sharedClock } from '@meterline/composition/clock';
import { openBillingStore, openEventLog, openUsageStore, requireSharedEngines } from '@meterline/composition/engines';
import { farBehind, portsOver, watchLag } from '@meterline/composition/installation';
import { serviceServer, type ServiceContext } from '@meterline/composition/service';
import { startAggregator } from './aggregator.ts';
import { startBackfills } from './backfills.ts';
import { aggregationMetrics } from './metrics.ts';
import { startSharedDuty } from './shared-duty.ts';

/**
 * The widest window that can be set, and not the one that is: an id filter is filled once and the window may become wider afterwards, when ids that
 * it left out could come back.
 */
const WIDEST_ACCEPTANCE = { pastMs: 35 * 86_400_000, futureMs: 86_400_000 };
const BACKFILL_POLL_MS = 2_000;

/** One of any number of aggregators that share the partitions of the log. Answers where it tells its health. */
export async function startAggregatorService(context: ServiceContext): Promise<string> {
  const { settings, logger, metrics, health, onStop, processId } = context;
  requireSharedEngines(settings);
  const { database } = await openBillingStore(context, { migrating: false });
  const { clock } = await sharedClock({ ...context, startIso: settings.testClockStart, database });
  const clickhouse = await openUsageStore(context, { migrating: false });
  const log = await openEventLog(context, database, { registering: false });
  const ports = portsOver({ database, clickhouse, log });
  const observed = aggregationMetrics(metrics);

  const aggregator = await startAggregator({
    ...ports,
    clock,
    logger,
    acceptance: WIDEST_ACCEPTANCE,
    duty: (isWorking) =>
      startSharedDuty({
        sharing: postgresPartitionSharing(database),
        logId: log.logId,
        partitionCount: log.partitionCount,
        member: processId,
        isWorking,
        logger,
      }),
    onError: observed.failed,
    onCommitted: observed.committed,
  });
  onStop('aggregator', () => aggregator.stop());
  // Exactly one leads partition 0, a moment of a hand-over aside.
  const isElected = () => aggregator.partitions().includes(0);
  const backfills = startBackfills(ports, { clock, logger, isElected, pollIntervalMs: BACKFILL_POLL_MS });
  onStop('backfills', () => backfills.stop());
  const lag = watchLag(log, ports.ledger, aggregator.partitions);
  onStop('lag watch', lag.stop);

  observed.watch({ ...aggregator, lagEvents: lag.events });
  health.add('aggregation', aggregator.trouble);
  health.add('aggregation lag', () => farBehind(lag.events(), settings.ingest.lagEventsMax));
  return serviceServer(context);
}
