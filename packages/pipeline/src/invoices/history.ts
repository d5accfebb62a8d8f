import { termAt } from '../commitments/index.ts';
import type { InvoiceStore } from '../ports/index.ts';
import { isBeforeInvoice } from '../spend/index.ts';
import { type DuePeriod, LATE_USAGE_MS, looksBackAt } from './draft.ts';
import { invoiceOnLog } from './parse-invoice.ts';
import { isFirstSinceChange, leftSinceMs } from './terms-left.ts';

/** A period to bill, without what was invoiced before it. */
export type DueNow = Omit<DuePeriod, 'recent' | 'earlier' | 'issued'>;

/** Each with the invoices of its subscription that it may still change, or that count for its commitments. */
export async function withHistory(
  invoices: Pick<InvoiceStore, 'issuedSince'>,
  due: readonly DueNow[],
  tenant: string,
): Promise<DuePeriod[]> {
  // A commitment of a year looks back further than the others need to, and a change perhaps further still.
  // By subscription, so that each document is read once.
  const changed = new Set(due.filter(isFirstSinceChange).map(({ terms }) => terms.id));
  const reach = (each: DueNow) => (changed.has(each.terms.id) ? 'changed' : hasAgreed(each) ? 'agreed' : 'neither');
  const issued = (
    await Promise.all(
      [...Map.groupBy(due, reach).values()].map(async (group) => {
        const subscriptions = group.map(({ terms }) => terms.id);
        return invoices.issuedSince(subscriptions, Math.min(...group.map(lookBackFromMs)), tenant);
      }),
    )
  ).flat();
  const bySubscription = Map.groupBy(issued, (invoice) => invoice.subscription);
  return due.map((each) => {
    const own = bySubscription.get(each.terms.id) ?? [];
    const recent = own.filter((invoice) => invoice.kind === 'period' && looksBackAt(invoice, each.period));
    const issued = reach(each) === 'neither' ? [] : own.map(invoiceOnLog);
    const earlier = own.filter(isBeforeInvoice).map(invoiceOnLog);
    return { ...each, recent: recent.map(invoiceOnLog), earlier, issued };
  });
}

/** Whether the subscription has a commitment, or had one. */
function hasAgreed({ account, terms: { id } }: DueNow): boolean {
  return account.subscriptions.some((terms) => terms.id === id && terms.commitment !== null);
}

/** End of the earliest invoiced period that the invoice of a due one may change, or where the term that lies in begins. */
function lookBackFromMs(due: DueNow): number {
  const { account, terms, period } = due;
  const { id } = terms;
  const fromMs = period.fromMs - LATE_USAGE_MS - 1;
  const agreed = account.subscriptions.flatMap((each) => {
    const { commitment } = each;
    if (each.id !== id || commitment === null) return [];
    return termAt({ account, terms: each, commitment }, Math.max(fromMs, each.startsAtMs)) ?? [];
  });
  const changed = isFirstSinceChange(due) ? [leftSinceMs(due)] : [];
  return Math.min(fromMs, ...agreed.map((term) => term.fromMs), ...changed);
}
