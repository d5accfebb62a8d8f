import type { AccountReader, InvoiceDraft, InvoiceStore } from '../ports/index.ts';
import { type BilledSubscription, readAgain } from './billed-subscriptions.ts';

export type Issued = Awaited<ReturnType<InvoiceStore['issue']>>;

interface Ports {
  readonly accounts: AccountReader;
  readonly invoices: Pick<InvoiceStore, 'issue'>;
}

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

/** Issues what is drafted for subscriptions; where a draft was stale, drafts anew for its subscription as it stands then, until nothing is. */
export async function issueUntilCurrent(
  ports: Ports,
  subscriptions: readonly BilledSubscription[],
  draftsOf: (subscriptions: readonly BilledSubscription[]) => Promise<InvoiceDraft[]>,
  tenant: string,
): Promise<void> {
  let current = subscriptions;
  while (current.length > 0) {
    const drafts = await draftsOf(current);
    const outcomes = await issueInTurn(ports.invoices, drafts, tenant);
    const stale = new Set(drafts.flatMap(({ subscription }, index) => (outcomes[index] === 'stale' ? subscription : [])));
    const behind = subscriptions.filter(({ subscription }) => stale.has(subscription));
    current = behind.length === 0 ? [] : await readAgain(ports, behind, tenant);
  }
}
