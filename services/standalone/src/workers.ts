import { hostname } from 'node:os';
import { startAggregator, type AggregatorService } from '@meterline/aggregator';
import { startMeterScreen } from '@meterline/ingest';
import { segmentConfigs } from '@meterline/pipeline/aggregation';
import { createWebhookSender } from '@meterline/pipeline/webhooks';
import { startDeliveries, startRatingWorker } from '@meterline/rating-worker';
import { startBackfills } from './backfills.ts';
import type { Installation } from './installation.ts';
import { pipelineMetrics } from './pipeline-metrics.ts';
import { startVacuum } from './vacuum.ts';

const LAG_REFRESH_MS = 500;

export type Workers = Awaited<ReturnType<typeof startWorkers>>;

/** Everything that goes on without a request: from the log to usage, spend, alerts, invoices and webhooks. */
export async function startWorkers(installation: Installation) {
  const { engines, clock, logger, onStop, onStep, settings, stores, health } = installation;
  const { database, log, ledger } = engines;
  const observed = pipelineMetrics(installation.metrics);
  onStop('vacuum', startVacuum(database, logger));

  const sender = createWebhookSender({ policy: settings.webhookTargets });
  onStop('webhook sender', () => sender.close());
  const deliveries = startDeliveries({ queue: stores.deliveries, clock, send: sender.send, logger, observe: observed.webhook });
  onStop('webhook deliveries', () => deliveries.close());
  const rating = await startRatingWorker({
    ...stores.billing,
    logger,
    onMessages: deliveries.notify,
    onEvaluated: observed.evaluated,
  });
  onStop('rating worker', () => rating.stop());

  const aggregator = startAggregator({
    ...engines,
    clock,
    logger,
    acceptance: { pastMs: settings.ingest.acceptPastMs, futureMs: settings.ingest.acceptFutureMs },
    owner: `${hostname()}:${process.pid}`,
    partitions: Array.from({ length: log.partitionCount }, (_, partition) => partition),
    ...(onStep && { onStep }),
    onError: observed.aggregationFailed,
    onCommitted(result) {
      observed.committed(result);
      rating.notify();
    },
  });
  onStop('aggregator', () => aggregator.stop());
  const backfills = startBackfills(engines, { clock, logger, onComplete: rating.notify });
  onStop('backfills', () => backfills.stop());
  const configs = segmentConfigs(ledger);
  const meterScreen = await startMeterScreen(async () => configs(await ledger.configVersion()));
  onStop('meter screen', () => meterScreen.stop());
  const lag = watchLag(aggregator);
  onStop('lag watch', lag.stop);

  observed.watch({ lagEvents: lag.events, filterBytes: aggregator.filterBytes });
  health.add('aggregation', aggregator.trouble);
  health.add('aggregation lag', () => farBehind(lag.events(), settings.ingest.lagEventsMax));
  health.add('rating', rating.trouble);
  return { deliveries, rating, backfills, screen: meterScreen.screen, lagEvents: lag.events };
}

/** Ingest asks for the lag with every request, so it is kept at hand. */
function watchLag(aggregator: AggregatorService) {
  let events = 0;
  const timer = setInterval(() => {
    // an unknown lag keeps its last figure; the health checks tell why it is unknown
    aggregator.lag().then((now) => (events = now), () => undefined); // prettier-ignore
  }, LAG_REFRESH_MS);
  return { events: () => events, stop: () => clearInterval(timer) };
}

/** Half-way to where ingest answers 503 (0 = never), an operator should look. */
function farBehind(events: number, eventsMax: number): string | undefined {
  return eventsMax > 0 && events > eventsMax / 2 ? `${events} records are not usage yet` : undefined;
}
