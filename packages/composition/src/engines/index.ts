export { openBalances } from './balance-store.ts';
export { openBillingStore, type BillingStore } from './billing-store.ts';
export { openBareTopic, openEventLog } from './event-log.ts';
export { openJobs } from './job-queue.ts';
export { openSharedRates } from './rate-limiter.ts';
export { openUsageStore } from './usage-store.ts';
export type { Opening } from './opening.ts';
export { requireSharedEngines } from './shared-engines.ts';
