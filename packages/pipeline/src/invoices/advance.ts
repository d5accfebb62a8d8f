import { settleTerm } from '@meterline/domain/invoices';
import { formatInstant } from '@meterline/domain/time';
import { type AgreedSubscription, termAt } from '../commitments/index.ts';
import type { Account, EventLog, InvoiceDraft, InvoiceStore, TenantClock } from '../ports/index.ts';
import type { BillingRun } from './fees.ts';
import { invoiceDraft } from './invoice-draft.ts';
import { parseInvoice } from './parse-invoice.ts';

interface Ports {
  readonly invoices: Pick<InvoiceStore, 'issuedSince' | 'issue'>;
  readonly log: Pick<EventLog, 'partitionCount'>;
  readonly clock: TenantClock;
}

/**
 * Invoices the committed minimum that a subscription pays in advance, once for the term that the run's instant lies in. A term whose run was missed is
 * invoiced with its first period instead: what is due for a term less what was settled of it.
 */
export async function issueAdvances(
  ports: Ports,
  subscriptions: readonly { readonly account: Account; readonly terms: Account['subscriptions'][number] }[],
  run: BillingRun,
): Promise<void> {
  const agreed = subscriptions.flatMap(({ account, terms }) => {
    const { commitment } = terms;
    return commitment?.trueUp === 'in_advance' ? [{ account, terms, commitment }] : [];
  });
  for (const each of agreed) {
    const draft = await advanceDraft(ports, each, run);
    // Already there, or stale: the next run looks again, and the first period settles it at the latest.
    if (draft !== undefined) await ports.invoices.issue(draft, run.tenant);
  }
}

async function advanceDraft(
  ports: Ports,
  agreed: AgreedSubscription & { readonly account: Account },
  run: BillingRun,
): Promise<InvoiceDraft | undefined> {
  const { account, terms, commitment } = agreed;
  const term = termAt(agreed, run.atMs);
  if (term === undefined) return undefined;
  const stored = await ports.invoices.issuedSince([terms.id], term.fromMs, run.tenant);
  const settlement = settleTerm({
    commitment,
    currency: terms.currency,
    term,
    elapsedDays: 0,
    issued: stored.map(parseInvoice),
    now: { period: { from: formatInstant(term.fromMs) }, lines: [], adjustments: [] },
  });
  if (!settlement.lines.some(({ kind }) => kind === 'fee')) return undefined;
  const period = { fromMs: term.fromMs, toMs: term.toMs, days: term.days, daysInPeriod: term.daysInTerm };
  // Rated from no usage at all.
  const cut = Array.from({ length: ports.log.partitionCount }, () => 0);
  const context = { cut, nowMs: await ports.clock.nowMs(run.tenant), run: run.id };
  const content = {
    kind: 'advance',
    account,
    terms,
    period,
    lines: [],
    adjustments: [],
    commitments: [settlement],
    prepaid: null,
  } as const;
  return invoiceDraft(content, context, run.tenant);
}
