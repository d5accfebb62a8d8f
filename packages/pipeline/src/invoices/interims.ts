import { usageInvoicedTo } from '@meterline/domain/subscriptions';
import type { Cut, InvoiceDraft, InvoiceStore, TenantClock } from '../ports/index.ts';
import { periodAt, type RatingPorts, spanOf } from '../spend/index.ts';
import { type BilledStretch, type BilledSubscription, eachStretch } from './billed-subscriptions.ts';
import type { BillingRun } from './fees.ts';
import { withHistory } from './history.ts';
import { type DueInterim, interimContents, invoicedToMs } from './interim-contents.ts';
import { invoiceDraft } from './invoice-draft.ts';
import { issueUntilCurrent } from './issue-in-turn.ts';

export interface InterimPorts extends RatingPorts {
  readonly invoices: RatingPorts['invoices'] & Pick<InvoiceStore, 'issue'>;
  readonly clock: TenantClock;
}

/** The run that issues, and the sealed part of the log, asked for only where there is something to rate. */
export interface InterimRun {
  readonly run: BillingRun;
  readonly sealed: () => Promise<Cut>;
}

/**
 * Invoices the usage so far of periods that go on at the run's instant, up to the end of the last month (quarter, half-year) by which their plans bill
 * usage, unless that is done. So months that were missed are billed together, once.
 */
export async function issueInterims(
  ports: InterimPorts,
  subscriptions: readonly BilledSubscription[],
  { run, sealed }: InterimRun,
): Promise<void> {
  const { tenant } = run;
  const draftsOf = async (current: readonly BilledSubscription[]): Promise<InvoiceDraft[]> => {
    const due = await dueInterims(ports, current, run);
    if (due.length === 0) return [];
    const context = { cut: await sealed(), nowMs: await ports.clock.nowMs(tenant), run: run.id };
    const { contents } = await interimContents(ports, due, tenant, context.cut);
    return contents.map((content) => invoiceDraft(content, context, tenant));
  };
  await issueUntilCurrent(ports, subscriptions, draftsOf, tenant);
}

async function dueInterims(
  ports: InterimPorts,
  subscriptions: readonly BilledSubscription[],
  { atMs, tenant }: BillingRun,
): Promise<DueInterim[]> {
  const parts = new Map<BilledStretch['terms'], number>();
  const now = subscriptions.flatMap(eachStretch).flatMap(({ account, terms }) => {
    const period = periodAt(terms, account, atMs);
    const usageToMs = usageInvoicedTo(terms.cadence, spanOf(terms, account), atMs);
    if (period === undefined || usageToMs === undefined) return [];
    parts.set(terms, usageToMs);
    return [{ account, terms, period }];
  });
  if (now.length === 0) return [];
  return (await withHistory(ports.invoices, now, tenant)).flatMap((each) => {
    const usageToMs = parts.get(each.terms);
    return usageToMs === undefined || usageToMs <= invoicedToMs(each) ? [] : [{ ...each, usageToMs }];
  });
}
