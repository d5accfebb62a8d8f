import { alertRuleStore, auditTrail, webhookDeliveryStore, webhookEndpointStore } from '@meterline/backends/postgres';
import { reconciliation, type BillingPorts, type Ports } from '@meterline/composition/installation';
import { createCatalog, usageQueries } from '@meterline/pipeline/catalog';
import { billedAtOnce } from '@meterline/pipeline/invoices';
import { moveSandboxClock, sandboxCatalog } from '@meterline/pipeline/sandboxes';
import type { Settings } from '@meterline/runtime/config';
import type { HttpServer } from '@meterline/runtime/http';
import { generateApiKey } from '@meterline/runtime/keys';
import { alertRoutes } from './alerts.ts';
import { apiRoutes } from './api-routes.ts';
import { entitlementRoutes } from './entitlements.ts';
import { creditNoteRoutes } from './credit-notes.ts';
import { grantRoutes } from './grants.ts';
import { invoiceRoutes } from './invoices.ts';
import type { ClockDeps } from './clock.ts';
import { planFitRoutes } from './plan-fit.ts';
import { planMoveRoutes } from './plan-moves.ts';
import { refusedEventRoutes } from './refused-events.ts';
import { spendRoutes } from './spend.ts';
import { subscriptionChangeRoutes } from './subscription-changes.ts';
import { upgradeRoutes } from './upgrades.ts';
import { webhookRoutes } from './webhooks.ts';

export interface ControlPlaneOptions {
  readonly ports: Ports;
  readonly billing: BillingPorts;
  readonly testClock: ClockDeps['testClock'];
  readonly webhookTargets: Settings['webhookTargets'];
  /** Where the workers are in this process they need not wait for their next look. */
  readonly notify?: {
    readonly rating: () => void;
    readonly schedules: () => void;
    readonly deliveries: () => void;
    readonly backfills: () => void;
    readonly sandboxes: () => void;
  };
}

const nobody = (): void => undefined;
const NOTIFY_NOBODY = { rating: nobody, schedules: nobody, deliveries: nobody, backfills: nobody, sandboxes: nobody };

/** All routes of the API over the ports: `server.register(controlPlane(options))`. */
export function controlPlane(options: ControlPlaneOptions): (server: HttpServer) => Promise<void> {
  const { ports, billing, testClock, webhookTargets, notify = NOTIFY_NOBODY } = options;
  const { database, log, backfills, catalog, reader } = ports;
  const { clock, serverClock } = billing;
  const startBackfill = async (tenant: string, meter: string) => {
    const backfill = await backfills.start(log.logId, tenant, meter, serverClock.nowMs());
    notify.backfills();
    return backfill;
  };
  const webhooks = { endpoints: webhookEndpointStore(database), deliveries: webhookDeliveryStore(database), clock, serverClock };
  const settings = createCatalog({ stores: catalog, clock, generateKey: () => generateApiKey('live') });
  const subscriptions = billedAtOnce(settings.subscriptions, { ...billing, plans: catalog.plans });
  return apiRoutes({
    catalog: { ...settings, subscriptions },
    usage: usageQueries({ ...catalog, usage: reader, clock }),
    clock,
    serverClock,
    schedules: billing.invoices,
    testClock,
    sandboxes: sandboxCatalog({ ...ports, serverClock, generateKey: () => generateApiKey('test') }),
    moveSandbox: (toMs, tenant) => moveSandboxClock({ ...billing, onSent: notify.sandboxes }, toMs, tenant),
    backfill: { start: startBackfill, state: (tenant, meter) => backfills.find(tenant, meter) },
    audit: auditTrail(database),
    reconcile: reconciliation(ports),
    extra: [
      (on) => refusedEventRoutes(on, ports.refusedEvents),
      (on) => spendRoutes(on, billing),
      (on) => entitlementRoutes(on, billing),
      (on) => grantRoutes(on, { ...billing, customers: catalog.customers, onChange: notify.rating }),
      (on) => subscriptionChangeRoutes(on, { ...billing, ...catalog, onChange: notify.rating }),
      (on) => planMoveRoutes(on, { ...billing, ...catalog }),
      (on) => upgradeRoutes(on, { ...billing, onChange: notify.rating }),
      (on) => planFitRoutes(on, { ...billing, plans: catalog.plans, customers: catalog.customers }),
      (on) => alertRoutes(on, { rules: alertRuleStore(database), clock, onChange: notify.rating }),
      (on) => creditNoteRoutes(on, billing),
      (on) => invoiceRoutes(on, { ...billing, onScheduleChange: notify.schedules }),
      (on) => webhookRoutes(on, { ...webhooks, policy: webhookTargets, notify: notify.deliveries }),
    ],
  });
}
