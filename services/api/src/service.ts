import { sharedClock } from '@meterline/composition/clock';
import {
  openBalances,
  openBillingStore,
  openEventLog,
  openJobs,
  openUsageStore,
  requireSharedEngines,
} from '@meterline/composition/engines';
import { describeEventRoutes } from '@meterline/composition/event-contract';
import { billingPorts, portsOver } from '@meterline/composition/installation';
import { serviceServer, type ServiceContext } from '@meterline/composition/service';
import { createHealth } from '@meterline/runtime/health';
import { addIdempotency } from '@meterline/runtime/http';
import { apiKeyAuthenticator } from '@meterline/runtime/keys';
import { controlPlane } from './control-plane.ts';
import { DOCS_PREFIX } from './docs.ts';

/** One of any number of API processes. Answers where it listens. */
export async function startApiService(context: ServiceContext): Promise<string> {
  const { settings } = context;
  requireSharedEngines(settings);
  const store = await openBillingStore(context, { migrating: false });
  const { database } = store;
  const { clock: serverClock, testClock } = await sharedClock({ ...context, startIso: settings.testClockStart, database });
  const clickhouse = await openUsageStore(context, { migrating: false });
  // Nearly every route works without these two: their outage shows in the few that fail, and not in the readiness of all.
  const inPart = { ...context, health: createHealth() };
  const log = await openEventLog(inPart, database, { registering: false });
  const jobs = await openJobs(inPart, store);
  const balances = await openBalances(inPart);
  const ports = portsOver({ database, clickhouse, log });
  const billing = billingPorts(ports, serverClock, { jobs, balances });

  return serviceServer(context, {
    authenticate: apiKeyAuthenticator({ database, clock: billing.clock, serverClock }),
    publicPrefixes: [DOCS_PREFIX],
    async add(server) {
      addIdempotency(server, { database, clock: serverClock });
      describeEventRoutes(server);
      await server.register(controlPlane({ ports, billing, testClock, webhookTargets: settings.webhookTargets }));
    },
  });
}
