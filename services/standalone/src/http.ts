import {
  alertRoutes,
  apiRoutes,
  DOCS_PREFIX,
  invoiceRoutes,
  refusedEventRoutes,
  spendRoutes,
  webhookRoutes,
} from '@meterline/api';
import { alertRuleStore, webhookDeliveryStore, webhookEndpointStore } from '@meterline/backends/postgres';
import { ingestRoutes } from '@meterline/ingest';
import { createCatalog, usageQueries } from '@meterline/pipeline/catalog';
import { healthRoutes } from '@meterline/runtime/health';
import { addIdempotency, createHttpServer } from '@meterline/runtime/http';
import { apiKeyAuthenticator, generateApiKey } from '@meterline/runtime/keys';
import { metricsRoutes } from '@meterline/runtime/metrics';
import type { Installation } from './installation.ts';
import { reconciliation } from './reconciliation.ts';
import type { Workers } from './workers.ts';

const VERSION = '0.1.0';

/** Ingest, API, health and metrics on one server. Resolves with its URL once it listens. */
export async function serve(
  installation: Installation,
  workers: Workers,
  testClock?: { moveTo(toMs: number): void },
): Promise<string> {
  const { engines, clock, logger, metrics, settings, stores, onStop } = installation;
  const { database, log, usage, reader } = engines;
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
  healthRoutes(server, installation.health);
  metricsRoutes(server, metrics);
  ingestRoutes(server, {
    log,
    clock,
    limits: settings.ingest,
    metrics,
    sourcesOf: (tenant, id) => usage.sourcesOf(tenant, id),
    lagEvents: workers.lagEvents,
    corsOrigins: settings.http.corsOrigins,
    screen: workers.screen,
  });

  const startBackfill = async (tenant: string, meter: string) => {
    const backfill = await engines.backfills.start(log.logId, tenant, meter, clock.nowMs());
    workers.backfills.notify();
    return backfill;
  };
  const webhooks = { endpoints: webhookEndpointStore(database), deliveries: webhookDeliveryStore(database), clock };
  const { rating, deliveries } = workers;
  await server.register(
    apiRoutes({
      catalog: createCatalog({ stores: stores.catalog, clock, generateKey: () => generateApiKey('live') }),
      usage: usageQueries({ ...stores.catalog, usage: reader, clock }),
      clock,
      testClock,
      backfill: { start: startBackfill, state: (tenant, meter) => engines.backfills.find(tenant, meter) },
      reconcile: reconciliation(engines),
      extra: [
        (on) => refusedEventRoutes(on, engines.refusedEvents),
        (on) => spendRoutes(on, stores.billing),
        (on) => alertRoutes(on, { rules: alertRuleStore(database), clock, onChange: rating.notify }),
        (on) => invoiceRoutes(on, { ...stores.billing, onScheduleChange: rating.notifySchedule }),
        (on) => webhookRoutes(on, { ...webhooks, policy: settings.webhookTargets, notify: deliveries.notify }),
      ],
    }),
  );
  const url = await server.listen({ host: settings.http.host, port: settings.http.port });
  onStop('HTTP server', () => server.close());
  return url;
}
