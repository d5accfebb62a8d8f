import { hostname } from 'node:os';
import { aggregationMetrics, soleDuty, startAggregator, startBackfills } from '@meterline/aggregator';
import { farBehind, watchLag } from '@meterline/composition/installation';
import { startMeterScreen } from '@meterline/ingest';
import { segmentConfigs } from '@meterline/pipeline/aggregation';
import { startRating } from '@meterline/rating-worker';
import type { Installation } from './installation.ts';
import { startVacuum } from './vacuum.ts';

export type Workers = Awaited<ReturnType<typeof startWorkers>>;

/** Everything that goes on without a request: from the log to usage, spend, alerts, invoices and webhooks. */
export async function startWorkers(installation: Installation) {
  const { engines, ports, billing, logger, onStop, onStep, limits, settings, health } = installation;
  const { log, ledger } = ports;
  const { serverClock: clock } = billing;
  const observed = aggregationMetrics(installation.metrics);
  if (engines.billing.kind === 'pglite') onStop('vacuum', startVacuum(engines.billing.database, logger));
  const { rating, deliveries } = await startRating({ ...installation, deliveries: ports.deliveries });

  const partitions = Array.from({ length: log.partitionCount }, (_, partition) => partition);
  const owner = `${hostname()}:${process.pid}`;
  const aggregator = await startAggregator({
    ...ports,
    clock,
    logger,
    acceptance: { pastMs: settings.ingest.acceptPastMs, futureMs: settings.ingest.acceptFutureMs },
    // The lock on the data folder keeps everybody else out: what a dead predecessor held is taken at once.
    duty: () => soleDuty(ledger, log.logId, partitions, owner),
    ...(limits && { limits }),
    ...(onStep && { onStep }),
    onError: observed.failed,
    onCommitted(result) {
      observed.committed(result);
      rating.notify();
    },
  });
  onStop('aggregator', () => aggregator.stop());
  const backfills = startBackfills(ports, { clock, logger, onComplete: rating.notify });
  onStop('backfills', () => backfills.stop());
  const configs = segmentConfigs(ledger);
  const meterScreen = await startMeterScreen(async () => configs(await ledger.configVersion()));
  onStop('meter screen', () => meterScreen.stop());
  const lag = watchLag(log, ledger);
  onStop('lag watch', lag.stop);

  observed.watch({ ...aggregator, lagEvents: lag.events });
  health.add('aggregation', aggregator.trouble);
  health.add('aggregation lag', () => farBehind(lag.events(), settings.ingest.lagEventsMax));
  return { deliveries, rating, backfills, screen: meterScreen.screen, lagEvents: lag.events };
}
