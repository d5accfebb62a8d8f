import type { Catalog, UsageQueries } from '@meterline/pipeline/catalog';
import type { AuditTrail, Clock } from '@meterline/pipeline/ports';
import type { HttpServer } from '@meterline/runtime/http';
import { apiKeyRoutes } from './api-keys.ts';
import { attributeChanges, auditRoutes } from './audit/index.ts';
import { clockRoutes, type ClockDeps } from './clock.ts';
import { customerRoutes } from './customers.ts';
import { docsRoutes } from './docs.ts';
import { featureRoutes } from './features.ts';
import { meterRoutes, type MeterBackfill } from './meters.ts';
import { operationsRoutes, type OperationsDeps } from './operations.ts';
import { negotiatedPriceRoutes } from './negotiated-prices.ts';
import { planDraftRoutes } from './plan-drafts.ts';
import { planRoutes } from './plans.ts';
import { priceChangeRoutes } from './price-changes.ts';
import { priceRoutes } from './prices.ts';
import { sandboxRoutes, type SandboxDeps } from './sandboxes.ts';
import { subscriptionRoutes } from './subscriptions.ts';
import { usageRoutes } from './usage.ts';

export interface ApiDeps extends OperationsDeps, Omit<ClockDeps, 'sandboxes'>, SandboxDeps {
  readonly serverClock: Clock;
  readonly catalog: Catalog;
  readonly usage: UsageQueries;
  readonly backfill: MeterBackfill;
  readonly audit: AuditTrail;
  /** Routes of other services on the same server, described by the same OpenAPI document. */
  readonly extra?: readonly ((server: HttpServer) => void | Promise<void>)[];
}

/** The control plane: `server.register(apiRoutes(deps))` on a server whose `publicPrefixes` hold DOCS_PREFIX. */
export function apiRoutes(deps: ApiDeps): (server: HttpServer) => Promise<void> {
  return async (server) => {
    attributeChanges(server, deps.serverClock);
    auditRoutes(server, deps.audit);
    meterRoutes(server, { meters: deps.catalog.meters, backfill: deps.backfill });
    usageRoutes(server, deps.usage);
    customerRoutes(server, deps.catalog.customers);
    featureRoutes(server, deps.catalog.features);
    planRoutes(server, deps.catalog.plans);
    planDraftRoutes(server, deps.catalog.planDrafts);
    priceChangeRoutes(server, deps.catalog.priceChanges);
    negotiatedPriceRoutes(server, deps.catalog.negotiatedPrices);
    subscriptionRoutes(server, deps.catalog, deps.clock);
    apiKeyRoutes(server, deps.catalog.apiKeys);
    priceRoutes(server);
    operationsRoutes(server, deps);
    clockRoutes(server, deps);
    sandboxRoutes(server, deps);
    await docsRoutes(server);
    for (const routes of deps.extra ?? []) await routes(server);
  };
}
