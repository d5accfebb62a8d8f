import { hostname } from 'node:os';
import {
  alertRoutes,
  apiRoutes,
  DOCS_PREFIX,
  invoiceRoutes,
  refusedEventRoutes,
  spendRoutes,
  webhookRoutes,
} from '@meterline/api';
import { startAggregator, type AggregatorService } from '@meterline/aggregator';
import {
  alertRuleStore,
  catalogStores,
  deliveryQueue,
  invoiceStore,
  ratingStore,
  webhookDeliveryStore,
  webhookEndpointStore,
} from '@meterline/backends/postgres';
import { Fault } from '@meterline/domain/faults';
import { ingestRoutes, startMeterScreen } from '@meterline/ingest';
import { segmentConfigs, type AggregationStep } from '@meterline/pipeline/aggregation';
import { createCatalog, usageQueries } from '@meterline/pipeline/catalog';
import { createWebhookSender } from '@meterline/pipeline/webhooks';
import { startDeliveries, startRatingWorker } from '@meterline/rating-worker';
import { systemClock, testClock } from '@meterline/runtime/clock';
import type { Settings } from '@meterline/runtime/config';
import { createHealth, healthRoutes } from '@meterline/runtime/health';
import { addIdempotency, createHttpServer } from '@meterline/runtime/http';
import { apiKeyAuthenticator, generateApiKey } from '@meterline/runtime/keys';
import type { OnStop } from '@meterline/runtime/lifecycle';
import type { Logger } from '@meterline/runtime/logging';
import { createMetrics, metricsRoutes } from '@meterline/runtime/metrics';
import { ensureAdminKey, type AdminKey } from './admin-key.ts';
import { startBackfills } from './backfills.ts';
import { decorated, type Decorations } from './decorations.ts';
import { openEngines } from './engines.ts';
import { pipelineMetrics } from './pipeline-metrics.ts';
import { reconciliation } from './reconciliation.ts';
import { startVacuum } from './vacuum.ts';

export interface StandaloneOptions {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly onStop: OnStop;
  readonly decorate?: Decorations;
  readonly onStep?: (step: AggregationStep) => void | Promise<void>;
}

export interface Standalone {
  readonly url: string;
  readonly adminKey: AdminKey;
}

const VERSION = '0.1.0';
const LAG_REFRESH_MS = 500;

/** Ingest, aggregator, rating worker and API in one process on the embedded engines. Resolves once it serves. */
export async function startStandalone({ settings, logger, onStop, decorate, onStep }: StandaloneOptions): Promise<Standalone> {
  if (settings.backend !== 'standalone') {
    throw new Fault(
      'invalid',
      'settings.backend_unavailable',
      'METERLINE_BACKEND=distributed is not available: this version has only the standalone profile, the distributed one is not built yet.',
    );
  }
  const moveable = settings.testClockStart === null ? undefined : testClock(settings.testClockStart);
  const clock = moveable ?? systemClock();
  const engines = await openEngines({ ...settings, logger, onStop, ...(decorate && { decorate }) });
  const { database, log, ledger, usage, reader, jobs } = engines;
  const acceptance = { pastMs: settings.ingest.acceptPastMs, futureMs: settings.ingest.acceptFutureMs };
  await ledger.setAcceptance(acceptance);
  const adminKey = await ensureAdminKey({ database, clock }, settings.dataFolder, settings.adminKey);
  onStop('vacuum', startVacuum(database, logger));

  const stores = catalogStores(database);
  const metrics = createMetrics();
  const health = createHealth();
  const observed = pipelineMetrics(metrics);
  const wakeups = decorated(decorate, 'rating', ratingStore(database));
  const rating = { usage: reader, accounts: wakeups, meters: stores.meters, ledger, log, clock, jobs };
  const billing = { ...rating, wakeups, invoices: decorated(decorate, 'invoices', invoiceStore(database)) };

  const sender = createWebhookSender({ policy: settings.webhookTargets });
  onStop('webhook sender', () => sender.close());
  const queue = decorated(decorate, 'deliveries', deliveryQueue(database));
  const deliveries = startDeliveries({ queue, clock, send: sender.send, logger, observe: observed.webhook });
  onStop('webhook deliveries', () => deliveries.close());
  const worker = await startRatingWorker({ ...billing, logger, onMessages: deliveries.notify, onEvaluated: observed.evaluated });
  onStop('rating worker', () => worker.stop());
  const aggregator = startAggregator({
    ...engines,
    clock,
    logger,
    acceptance,
    owner: `${hostname()}:${process.pid}`,
    partitions: Array.from({ length: log.partitionCount }, (_, partition) => partition),
    ...(onStep && { onStep }),
    onError: observed.aggregationFailed,
    onCommitted(result) {
      observed.committed(result);
      worker.notify();
    },
  });
  onStop('aggregator', () => aggregator.stop());
  const backfills = startBackfills(engines, { clock, logger, onComplete: worker.notify });
  onStop('backfills', () => backfills.stop());
  const configs = segmentConfigs(ledger);
  const meterScreen = await startMeterScreen(async () => configs(await ledger.configVersion()));
  onStop('meter screen', () => meterScreen.stop());
  const lag = watchLag(aggregator);
  onStop('lag watch', lag.stop);
  observed.watch({ lagEvents: lag.events, filterBytes: aggregator.filterBytes });
  health.add('aggregation', aggregator.trouble);
  health.add('aggregation lag', () => farBehind(lag.events(), settings.ingest.lagEventsMax));
  health.add('rating', worker.trouble);
  health.add('billing store', async () => {
    await database.query('select 1');
    return undefined;
  });

  const server = await createHttpServer({
    logger,
    metrics,
    authenticate: apiKeyAuthenticator({ database, clock }),
    openapi: { title: 'Meterline', version: VERSION },
    bodyBytesMax: settings.http.bodyBytesMax,
    connectionsMax: settings.http.connectionsMax,
    publicPrefixes: [DOCS_PREFIX],
  });
  addIdempotency(server, { database, clock });
  healthRoutes(server, health);
  metricsRoutes(server, metrics);
  const sourcesOf = (tenant: string, id: string) => usage.sourcesOf(tenant, id);
  ingestRoutes(server, {
    log,
    clock,
    limits: settings.ingest,
    metrics,
    sourcesOf,
    lagEvents: lag.events,
    corsOrigins: settings.http.corsOrigins,
    screen: meterScreen.screen,
  });
  const start = async (tenant: string, key: string) => {
    const backfill = await engines.backfills.start(log.logId, tenant, key, clock.nowMs());
    backfills.notify();
    return backfill;
  };
  const webhooks = {
    endpoints: webhookEndpointStore(database),
    deliveries: webhookDeliveryStore(database),
    clock,
    policy: settings.webhookTargets,
  };
  await server.register(
    apiRoutes({
      catalog: createCatalog({ stores, clock, generateKey: () => generateApiKey('live') }),
      usage: usageQueries({ ...stores, usage: reader, clock }),
      clock,
      testClock: moveable,
      backfill: { start, state: (tenant, key) => engines.backfills.find(tenant, key) },
      reconcile: reconciliation(engines),
      extra: [
        (on) => refusedEventRoutes(on, engines.refusedEvents),
        (on) => spendRoutes(on, billing),
        (on) => alertRoutes(on, { rules: alertRuleStore(database), clock, onChange: worker.notify }),
        (on) => invoiceRoutes(on, { ...billing, onScheduleChange: worker.notifySchedule }),
        (on) => webhookRoutes(on, { ...webhooks, notify: deliveries.notify }),
      ],
    }),
  );
  const url = await server.listen({ host: settings.http.host, port: settings.http.port });
  onStop('HTTP server', () => server.close());
  return { url, adminKey };
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
