import type { BillingCandidate, Cut } from '../ports/index.ts';
import { nextPeriod } from '../spend/index.ts';
import { issueAdvances } from './advance.ts';
import { type BilledSubscription, billedSubscriptions, eachStretch } from './billed-subscriptions.ts';
import { issueCreditNotes } from './credit-notes.ts';
import { draftInvoices, type DuePeriod } from './draft.ts';
import { type BillingRun, type BillingPorts, issueFees } from './fees.ts';
import { type DueNow, withHistory } from './history.ts';
import { issueInterims } from './interims.ts';
import { issueInTurn } from './issue-in-turn.ts';
import { issueAtThresholds } from './thresholds.ts';

export interface BillingTurn {
  readonly run: BillingRun;
  /** The cut that usage is billed at. Asked for only where there is usage to bill. */
  readonly sealed: () => Promise<Cut>;
  readonly signal?: AbortSignal | undefined;
}

/** Issues every document of these subscriptions that is due at the run's instant and not issued yet. Runs call it, and whoever rehearses one. */
export async function billDue(
  ports: BillingPorts,
  candidates: readonly BillingCandidate[],
  { run, sealed, signal }: BillingTurn,
): Promise<void> {
  const subscriptions = await billedSubscriptions(ports, candidates, run.tenant);
  await issueAdvances(ports, subscriptions.flatMap(eachStretch), run);
  // First what is given back, which pays for the fees of what it was changed to.
  await issueCreditNotes(ports, subscriptions, run);
  await issueFees(ports, subscriptions, run);
  let pending = candidates;
  // Oldest period first: a subscription several periods behind gets one invoice a turn, and the next knows of it.
  while (run.threshold === null && pending.length > 0) {
    signal?.throwIfAborted();
    const due = await duePeriods(ports, pending, run);
    pending = due.length === 0 ? [] : await issueAll(ports, due, { cut: await sealed(), run });
  }
  if (run.threshold === null) await issueInterims(ports, subscriptions, { run, sealed });
  await issueAtThresholds(ports, subscriptions, { run, sealed });
}

async function duePeriods(ports: BillingPorts, pending: readonly BillingCandidate[], run: BillingRun): Promise<DuePeriod[]> {
  const dueNow = ({ account, stretches, billedThroughMs }: BilledSubscription): DueNow[] => {
    const next = nextPeriod(stretches, account, billedThroughMs);
    return next === undefined || next.period.toMs > run.atMs ? [] : [{ account, ...next }];
  };
  return withHistory(ports.invoices, (await billedSubscriptions(ports, pending, run.tenant)).flatMap(dueNow), run.tenant);
}

/** Answers the subscriptions as candidates for their next period. */
async function issueAll(
  ports: BillingPorts,
  due: readonly DuePeriod[],
  { cut, run }: { readonly cut: Cut; readonly run: BillingRun },
): Promise<BillingCandidate[]> {
  const drafts = await draftInvoices(ports, due, { cut, nowMs: await ports.clock.nowMs(run.tenant), run: run.id }, run.tenant);
  const outcomes = await issueInTurn(ports.invoices, drafts, run.tenant);
  return drafts.map(({ subscription, customer, periodFromMs, periodToMs }, index) => ({
    subscription,
    customer,
    // Whoever invoiced it, this period is done. A stale draft is made anew from the same period on.
    billedThroughMs: outcomes[index] === 'stale' ? periodFromMs : periodToMs,
  }));
}
