import { sharedClock } from '@meterline/composition/clock';
import {
  openBalances,
  openBillingStore,
  openEventLog,
  openJobs,
  openUsageStore,
  requireSharedEngines,
} from '@meterline/composition/engines';
import { billingPorts, portsOver } from '@meterline/composition/installation';
import { serviceServer, type ServiceContext } from '@meterline/composition/service';
import { startRating } from './rating.ts';

/** A look at the wake-ups is one cheap query by index, and what an alert waits for. */
const WAKEUP_POLL_MS = 200;

/** One of any number of rating workers that share the wake-ups, the jobs and the deliveries. Answers where it tells its health. */
export async function startRatingService(context: ServiceContext): Promise<string> {
  const { settings, processId } = context;
  requireSharedEngines(settings);
  const store = await openBillingStore(context, { migrating: false });
  const { database } = store;
  const { clock } = await sharedClock({ ...context, startIso: settings.testClockStart, database });
  const clickhouse = await openUsageStore(context, { migrating: false });
  // Invoice runs wait until the log as of their beginning is sealed: they ask it where it ends.
  const log = await openEventLog(context, database, { registering: false });
  const jobs = await openJobs(context, store);
  const balances = await openBalances(context);
  const ports = portsOver({ database, clickhouse, log }, { worker: processId });
  const billing = billingPorts(ports, clock, { jobs, balances });
  await startRating({ ...context, deliveries: ports.deliveries, billing, pollIntervalMs: WAKEUP_POLL_MS });
  return serviceServer(context);
}
