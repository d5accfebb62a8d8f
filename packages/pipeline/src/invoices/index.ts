export { type BilledSubscription } from './billed-subscriptions.ts';
export { billDue } from './bill-due.ts';
export { billAtOnce, billedAtOnce } from './billed-at-once.ts';
export { draftInvoices, looksBackAt } from './draft.ts';
export { executeInvoiceRun, type InvoicingPorts, NotSealedError, type RunOptions } from './execute-run.ts';
export type { BillingPorts } from './fees.ts';
export { type DueNow, withHistory } from './history.ts';
export { invoiceOnLog, parseInvoice } from './parse-invoice.ts';
export {
  endOfLog,
  type InvoiceRunPorts,
  processInvoiceRuns,
  requeuePending,
  requestInvoiceRun,
  requestSubscriptionRun,
  startDueRuns,
} from './runs.ts';
export { startRunsAtThresholds, type ThresholdPorts } from './threshold-runs.ts';
export { DEFAULT_SCHEDULE, nextRunMs, setSchedule } from './schedule.ts';
export { type Scheduler, startScheduler } from './scheduler.ts';
export { type InvoiceAccounting, invoiceAccounting, type InvoiceCheck, verifyInvoice } from './verify.ts';
