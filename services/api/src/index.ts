import type { Catalog, UsageQueries } from '@meterline/pipeline/catalog';
import type { HttpServer } from '@meterline/runtime/http';
import { apiKeyRoutes } from './api-keys.ts';
import { customerRoutes } from './customers.ts';
import { docsRoutes } from './docs.ts';
import { meterRoutes, type MeterBackfill } from './meters.ts';
import { operationsRoutes, type OperationsDeps } from './operations.ts';
import { planRoutes } from './plans.ts';
import { priceRoutes } from './prices.ts';
import { subscriptionRoutes } from './subscriptions.ts';
import { usageRoutes } from './usage.ts';

export { DOCS_PREFIX } from './docs.ts';
export type { BackfillState, MeterBackfill } from './meters.ts';
export { alertRoutes, type AlertRoutesDeps } from './alerts.ts';
export { invoiceRoutes, type InvoiceRoutesDeps } from './invoices.ts';
export { refusedEventRoutes } from './refused-events.ts';
export { spendRoutes, type SpendRoutesDeps } from './spend.ts';
export { webhookRoutes, type WebhookRoutesDeps } from './webhooks.ts';

export interface ApiDeps extends OperationsDeps {
  readonly catalog: Catalog;
  readonly usage: UsageQueries;
  readonly backfill: MeterBackfill;
  /** Routes of other services on the same server, described by the same OpenAPI document. */
  readonly extra?: readonly ((server: HttpServer) => void | Promise<void>)[];
}

/** The control plane: `server.register(apiRoutes(deps))` on a server whose `publicPrefixes` hold DOCS_PREFIX. */
export function apiRoutes(deps: ApiDeps): (server: HttpServer) => Promise<void> {
  return async (server) => {
    meterRoutes(server, { meters: deps.catalog.meters, backfill: deps.backfill });
    usageRoutes(server, deps.usage);
    customerRoutes(server, deps.catalog.customers);
    planRoutes(server, deps.catalog.plans);
    subscriptionRoutes(server, deps.catalog.subscriptions);
    apiKeyRoutes(server, deps.catalog.apiKeys);
    priceRoutes(server);
    operationsRoutes(server, deps);
    await docsRoutes(server);
    for (const routes of deps.extra ?? []) await routes(server);
  };
}
