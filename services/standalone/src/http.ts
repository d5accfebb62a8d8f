import { controlPlane, DOCS_PREFIX } from '@meterline/api';
import { serviceServer } from '@meterline/composition/service';
import { ingestRoutes } from '@meterline/ingest';
import { addIdempotency } from '@meterline/runtime/http';
import { apiKeyAuthenticator } from '@meterline/runtime/keys';
import type { Installation } from './installation.ts';
import type { Workers } from './workers.ts';

/** Ingest, API, health and metrics on one server. Resolves with its URL once it listens. */
export function serve(installation: Installation, workers: Workers, testClock?: { moveTo(toMs: number): void }): Promise<string> {
  const { ports, billing, metrics, settings } = installation;
  const { database, log, usage } = ports;
  const { clock, serverClock } = billing;
  const { rating, deliveries, backfills } = workers;
  return serviceServer(installation, {
    authenticate: apiKeyAuthenticator({ database, clock, serverClock }),
    publicPrefixes: [DOCS_PREFIX],
    async add(server) {
      addIdempotency(server, { database, clock: serverClock });
      ingestRoutes(server, {
        log,
        clock: serverClock,
        aheadMs: clock.aheadMs,
        limits: settings.ingest,
        metrics,
        sourcesOf: (tenant, id) => usage.sourcesOf(tenant, id),
        lagEvents: workers.lagEvents,
        corsOrigins: settings.http.corsOrigins,
        screen: workers.screen,
      });
      const notify = {
        rating: rating.notify,
        schedules: rating.notifySchedule,
        deliveries: deliveries.notify,
        backfills: backfills.notify,
        sandboxes: rating.notifySandboxes,
      };
      await server.register(controlPlane({ ports, billing, testClock, webhookTargets: settings.webhookTargets, notify }));
    },
  });
}
