import { invoiceOnLog } from '../invoices/index.ts';
import type { Cut, EventAccounting, InvoiceStore } from '../ports/index.ts';
import { type IssuedPeriod, subjectRanges } from './rated-subjects.ts';
import { invariant, type Invariant } from './reconcile.ts';

export interface AccountedPorts {
  readonly accounting: EventAccounting;
  readonly invoices: Pick<InvoiceStore, 'allInvoices'>;
}

const INVOICES_AT_A_TIME_MAX = 200;

/**
 * Every accepted event is accounted for exactly once: **invoiced** (an invoice has its subject, its period has its time, its cut is above it),
 * **adjusted** (it missed that cut, a later invoice of the subscription settled it), **pending** (everything else) or withdrawn. Compared with
 * what segments state: `accepted` records below `cut`, less those that only withdraw an event.
 */
export async function eventsAccounted({ accounting, invoices }: AccountedPorts, cut: Cut, accepted: number): Promise<Invariant> {
  const issued = await issuedPeriods(invoices);
  const sum = { invoiced: 0, adjusted: 0, pending: 0, withdrawn: 0 };
  const differences: string[] = [];
  for (const tenant of await accounting.tenants(cut)) {
    let excess = 0;
    for (const range of subjectRanges(issued.get(tenant) ?? [])) {
      const tally = await accounting.tally(range, cut, tenant);
      for (const part of ['invoiced', 'adjusted', 'pending', 'withdrawn'] as const) sum[part] += tally[part];
      excess += tally.withdrawals - tally.withdrawn;
    }
    if (excess > 0) differences.push(`${tenant}: ${excess} withdrawals more than events withdrawn`);
    if (excess < 0) differences.push(`${tenant}: ${-excess} events withdrawn more than withdrawals`);
  }
  const events = accepted - (await accounting.voidRecords(cut));
  const found = sum.invoiced + sum.adjusted + sum.pending + sum.withdrawn;
  if (found !== events) differences.push(`segments say ${events} events were accepted, ${found} are accounted for`);
  return invariant('accepted = invoiced + pending + adjusted', { events, ...sum }, differences);
}

async function issuedPeriods(invoices: AccountedPorts['invoices']): Promise<ReadonlyMap<string, readonly IssuedPeriod[]>> {
  const issued = new Map<string, IssuedPeriod[]>();
  let after: string | null = null;
  do {
    const page = await invoices.allInvoices({ after, limit: INVOICES_AT_A_TIME_MAX });
    for (const invoice of page.items) {
      // The others are rated from no usage; interim invoices are part of their period's.
      if (invoice.kind !== 'period') continue;
      const { tenant, subscription, periodFromMs: fromMs, periodToMs: toMs } = invoice;
      const { customer, cut } = invoiceOnLog(invoice);
      const list = issued.get(tenant) ?? [];
      issued.set(tenant, list);
      list.push({ subscription, subjects: customer.subjects, fromMs, toMs, cut });
    }
    after = page.nextAfter;
  } while (after !== null);
  return issued;
}
