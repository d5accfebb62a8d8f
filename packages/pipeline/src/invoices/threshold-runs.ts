import type { InvoiceStore, JobQueue, TenantClock, WakeupStore } from '../ports/index.ts';
import type { RatingPorts } from '../spend/index.ts';
import { interimContents } from './interim-contents.ts';
import { requestThresholdRun } from './runs.ts';
import { oneOfEachCustomer, openPeriods } from './thresholds.ts';

export interface ThresholdPorts extends RatingPorts {
  readonly wakeups: Pick<WakeupStore, 'invoicedByThreshold'>;
  readonly invoices: RatingPorts['invoices'] & Pick<InvoiceStore, 'startAtThreshold'>;
  readonly jobs: JobQueue;
  readonly clock: TenantClock;
}

const CUSTOMERS_AT_A_TIME_MAX = 500;

/**
 * Starts a run for each subscription, among these customers and the owners of these subjects, that owes for its period what reaches a level no invoice of
 * the period reached. Decided by drafting what the run will issue, as usage stands now. Safe to run again: a subscription has one such run at a time,
 * and what is invoiced is reached no more.
 */
export async function startRunsAtThresholds(
  ports: ThresholdPorts,
  { subjects, customers }: { readonly subjects: readonly string[]; readonly customers: readonly string[] },
  tenant: string,
): Promise<void> {
  const keys = await ports.wakeups.invoicedByThreshold(subjects, customers, tenant);
  for (let from = 0; from < keys.length; from += CUSTOMERS_AT_A_TIME_MAX) {
    const accounts = await ports.accounts.accounts(keys.slice(from, from + CUSTOMERS_AT_A_TIME_MAX), tenant);
    const stretches = accounts.flatMap((account) => account.subscriptions.map((terms) => ({ account, terms })));
    const atMs = await ports.clock.nowMs(tenant);
    const open = await openPeriods(ports, stretches, atMs, tenant);
    for (const due of oneOfEachCustomer(open)) {
      const { contents, cut } = await interimContents(ports, due, tenant);
      for (const { terms, interim } of contents) {
        const { threshold } = interim;
        if (threshold === undefined) continue;
        await requestThresholdRun(ports, { subscription: terms.id, threshold, atMs, cut }, tenant);
      }
    }
  }
}
