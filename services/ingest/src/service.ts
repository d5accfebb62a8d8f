import { clickhouseUsageStore } from '@meterline/backends/clickhouse';
import { postgresSegmentLedger, tenantClock } from '@meterline/backends/postgres';
import { sharedClock } from '@meterline/composition/clock';
import {
  openBillingStore,
  openEventLog,
  openSharedRates,
  openUsageStore,
  requireSharedEngines,
} from '@meterline/composition/engines';
import { watchLag } from '@meterline/composition/installation';
import { serviceServer, type ServiceContext } from '@meterline/composition/service';
import { segmentConfigs } from '@meterline/pipeline/aggregation';
import type { RateLimiter, UsageStore } from '@meterline/pipeline/ports';
import { systemClock } from '@meterline/runtime/clock';
import { createHealth } from '@meterline/runtime/health';
import { apiKeyAuthenticator } from '@meterline/runtime/keys';
import { ingestRoutes } from './ingest-routes.ts';
import { startMeterScreen } from './meter-screen.ts';
import { ingestRates, localRateLimiter } from './rate-limits.ts';

/** One of any number of doors to the event log. Answers where it listens. */
export async function startIngestService(context: ServiceContext): Promise<string> {
  const { settings, metrics, onStop } = context;
  requireSharedEngines(settings);
  const { database } = await openBillingStore(context, { migrating: false });
  const { clock: serverClock } = await sharedClock({ ...context, startIso: settings.testClockStart, database });
  const clock = tenantClock(database, serverClock);
  const log = await openEventLog(context, database, { registering: false });
  const ledger = postgresSegmentLedger(database);
  const configs = segmentConfigs(ledger);
  const meterScreen = await startMeterScreen(async () => configs(await ledger.configVersion()));
  onStop('meter screen', () => meterScreen.stop());
  metrics.gauge('ingest_meter_config_version', 'Version of the meter configuration that events are screened with', {
    collect: meterScreen.configVersion,
  });
  const lag = watchLag(log, ledger);
  onStop('lag watch', lag.stop);
  // No reason to be unready: ingest can store events, and all of them would be unready at once. Beyond the limit it answers 503 itself.
  metrics.gauge('ingest_lag_events', 'Records in the log that are not usage yet', { collect: lag.events });
  const usage = usageOnDemand(context);
  const rates = await ratesOf(context);

  return serviceServer(context, {
    authenticate: apiKeyAuthenticator({ database, clock, serverClock }),
    add: (server) =>
      ingestRoutes(server, {
        log,
        clock: serverClock,
        aheadMs: clock.aheadMs,
        limits: settings.ingest,
        metrics,
        sourcesOf: async (tenant, id) => (await usage()).sourcesOf(tenant, id),
        lagEvents: lag.events,
        rates,
        corsOrigins: settings.http.corsOrigins,
        screen: meterScreen.screen,
      }),
  });
}

/** Redis is opened only if there is something to count. Rates protect machines, so they go by real time also under a test clock. */
async function ratesOf(context: ServiceContext): Promise<RateLimiter | undefined> {
  const rates = ingestRates(context.settings.ingest);
  return rates && openSharedRates(context, rates, localRateLimiter(rates, systemClock()));
}

/**
 * Only a correction that does not name its event's source looks into the usage store: ingest starts and goes on without it, and its health is no matter
 * of this service.
 */
function usageOnDemand(context: ServiceContext): () => Promise<UsageStore> {
  let opened: Promise<UsageStore> | undefined;
  return () => {
    opened ??= openUsageStore({ ...context, health: createHealth() }, { migrating: false }).then(clickhouseUsageStore);
    // An outage must not be remembered; whoever waits gets the error.
    opened.catch(() => (opened = undefined));
    return opened;
  };
}
