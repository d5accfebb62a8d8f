import type { InvoiceDraft, InvoiceStore } from '../ports/index.ts';

export type Issued = Awaited<ReturnType<InvoiceStore['issue']>>;

/**
 * Issues drafts one after the other, and answers what became of each. Drafts of one customer draw on its grants in turn: where one was not issued, the
 * next ones drew on what never came to be, and are stale.
 */
export async function issueInTurn(
  invoices: Pick<InvoiceStore, 'issue'>,
  drafts: readonly InvoiceDraft[],
  tenant: string,
): Promise<Issued[]> {
  const outcomes: Issued[] = [];
  const moved = new Set<string>();
  for (const draft of drafts) {
    const isBehind = draft.prepaid !== null && moved.has(draft.customer);
    const outcome = isBehind ? 'stale' : await invoices.issue(draft, tenant);
    if (outcome !== 'issued') moved.add(draft.customer);
    outcomes.push(outcome);
  }
  return outcomes;
}
