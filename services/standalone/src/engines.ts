import { mkdirSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  openBalances,
  openBillingStore,
  openEventLog,
  openJobs,
  openUsageStore,
  type Opening,
} from '@meterline/composition/engines';

export type Engines = Awaited<ReturnType<typeof openEngines>>;

/** Opens the engines; the embedded ones on one data folder, which this process then holds alone. They close in reverse order. */
export async function openEngines(opening: Opening) {
  const { settings } = opening;
  mkdirSync(settings.dataFolder, { recursive: true, mode: 0o700 });
  const openingBilling = openBillingStore(opening, { migrating: true });
  // the folder's lock is the first thing it takes: a second process stops here, before it touches the other engines
  await Promise.race([openingBilling, nextTurn()]);
  const [billing, clickhouse] = await Promise.all([openingBilling, openUsageStore(opening, { migrating: true })]);
  const { database } = billing;
  const log = await openEventLog(opening, database, { registering: true });
  const jobs = await openJobs(opening, billing);
  const balances = await openBalances(opening);
  return { billing, database, clickhouse, log, jobs, balances };
}
