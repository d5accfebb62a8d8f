import type { Clock, Cut, EventLog, InvoiceRun, InvoiceStore, SegmentLedger, TenantClock } from '../ports/index.ts';
import { settleRests, type SettlePorts } from '../prepaid/index.ts';
import type { RatingPorts } from '../spend/index.ts';
import { billDue } from './bill-due.ts';

export interface InvoicingPorts extends RatingPorts {
  readonly invoices: InvoiceStore;
  readonly prepaid: SettlePorts['prepaid'];
  readonly ledger: Pick<SegmentLedger, 'sealedCut'>;
  readonly log: Pick<EventLog, 'logId' | 'partitionCount' | 'bounds'>;
  readonly clock: TenantClock;
  readonly serverClock: Clock;
}

export interface RunOptions {
  /** How long one attempt waits for the log to be sealed. Default 60,000 ms. */
  readonly sealTimeoutMs?: number;
  /** Default 100 ms. */
  readonly sealPollMs?: number;
  /** Real time, for waiting on the aggregator only. */
  readonly timer?: Clock;
  readonly signal?: AbortSignal;
}

/** Part of what the run must bill is not sealed yet: try again later. */
export class NotSealedError extends Error {
  override readonly name = 'NotSealedError';
}

const SUBSCRIPTIONS_AT_A_TIME_MAX = 200;

/**
 * Gives back what ended subscriptions paid too much of in advance, invoices what is due in advance, and every period that ended at or before the run's
 * instant and has no invoice yet, then the usage so far of periods that go on, where their plans say so, and completes the run. One that began at a
 * threshold leaves ended periods and months to the others: they wait for late usage. Safe to run again, and beside other runs: each invoice is one
 * transaction that the unique key of (subscription, kind, period, part) lets happen once, whoever comes first; whatever is invoiced already is passed
 * over. Fails with NotSealedError if the log is not sealed up to the run's beginning.
 */
export async function executeInvoiceRun(ports: InvoicingPorts, run: InvoiceRun, options: RunOptions = {}): Promise<void> {
  let cut: Cut | undefined;
  // Only now and then: a run with nothing to bill need not wait.
  const sealed = async () => (cut ??= await sealedCut(ports, run.targetCut, options));
  let after: string | null = null;
  do {
    const { subscription } = run;
    const request = { after, limit: SUBSCRIPTIONS_AT_A_TIME_MAX, subscription };
    const page = await ports.invoices.candidates(run.atMs, request, run.tenant);
    await billDue(ports, page.items, { run, sealed, signal: options.signal });
    after = page.nextAfter;
  } while (after !== null);
  if (run.subscription === null) await settleRests(ports, run);
  await ports.invoices.completeRun(run.id, await ports.clock.nowMs(run.tenant), run.tenant);
}

/** The sealed part of the log, once it holds everything below `target`. */
async function sealedCut(ports: InvoicingPorts, target: Cut, options: RunOptions): Promise<Cut> {
  const { timer = ports.serverClock, sealTimeoutMs = 60_000, sealPollMs = 100, signal } = options;
  const deadlineMs = timer.nowMs() + sealTimeoutMs;
  for (;;) {
    const cut = await ports.ledger.sealedCut(ports.log.logId);
    if (target.every((next, partition) => (cut[partition] ?? 0) >= next)) return cut;
    if (timer.nowMs() >= deadlineMs) throw new NotSealedError(`sealed up to [${cut.join()}], the run needs [${target.join()}]`);
    await timer.sleepUntil(timer.nowMs() + sealPollMs, signal);
    signal?.throwIfAborted();
  }
}
