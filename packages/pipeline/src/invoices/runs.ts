import { Fault } from '@meterline/domain/faults';
import { newId } from '../ids/index.ts';
import type {
  Cut,
  InvoiceRun,
  InvoiceRunDraft,
  InvoiceRunStore,
  JobOptions,
  JobQueue,
  Page,
  ThresholdRunDraft,
} from '../ports/index.ts';
import { executeInvoiceRun, type InvoicingPorts, type RunOptions } from './execute-run.ts';
import { DEFAULT_SCHEDULE, nextRunMs } from './schedule.ts';

const QUEUE = 'invoice-runs';
// Short of patience, as the scheduler enqueues a run that failed for good again.
const JOB = { attemptsMax: 5, backoffMs: 1000 };
/** Levels that are reached so soon after the first are on one invoice with it. */
const THRESHOLD_GATHER_MS = 1000;
const UNFINISHED_RUNS_AT_A_TIME_MAX = 100;

export interface InvoiceRunPorts extends InvoicingPorts {
  readonly jobs: JobQueue;
}

/** Starts a run that bills periods ended by `atMs` (default now). Fails with `invoice_run.at_in_future`. */
export async function requestInvoiceRun(ports: InvoiceRunPorts, atMs: number | undefined, tenant: string): Promise<InvoiceRun> {
  const nowMs = await ports.clock.nowMs(tenant);
  if (atMs !== undefined && atMs > nowMs) {
    const errors = [{ path: 'at', message: 'must not be in the future: a period can be invoiced once it has ended' }];
    throw new Fault('invalid', 'invoice_run.at_in_future', 'The run would bill periods that have not ended.', { errors });
  }
  return begin(ports, { atMs: atMs ?? nowMs, scheduled: false }, tenant);
}

/** Starts a run that bills what is due of one subscription now. */
export async function requestSubscriptionRun(ports: InvoiceRunPorts, subscription: string, tenant: string): Promise<InvoiceRun> {
  return begin(ports, { atMs: await ports.clock.nowMs(tenant), scheduled: false, subscription }, tenant);
}

/** What one subscription owes for its period reached a level, at `cut`: starts the run that invoices it, unless there is one that will. */
export async function requestThresholdRun(
  ports: { readonly invoices: Pick<InvoiceRunStore, 'startAtThreshold'>; readonly jobs: JobQueue },
  { cut, ...asked }: Pick<ThresholdRunDraft, 'subscription' | 'threshold' | 'atMs'> & { readonly cut: Cut },
  tenant: string,
): Promise<void> {
  const { atMs } = asked;
  const draft = { ...asked, id: newId('run', atMs), tenant, scheduled: false, targetCut: cut, createdAtMs: atMs };
  const run = await ports.invoices.startAtThreshold(draft);
  // As below.
  if (run !== undefined) await enqueue(ports, run, { delayMs: THRESHOLD_GATHER_MS }).catch(() => undefined);
}

async function begin(ports: InvoiceRunPorts, asked: Parameters<typeof runDraft>[1], tenant: string): Promise<InvoiceRun> {
  const run = await ports.invoices.insertRun(await runDraft(ports, asked, tenant));
  // The run is there. Killed before this line, or without a queue to tell (whose owner hears of that), it is enqueued by `requeuePending`.
  await enqueue(ports, run).catch(() => undefined);
  return run;
}

/** Works on runs as jobs: each is tried again with backoff until it is complete. */
export async function processInvoiceRuns(
  ports: InvoiceRunPorts,
  options: RunOptions & { readonly onInvoices?: () => void } = {},
): Promise<void> {
  await ports.jobs.process(QUEUE, async ({ run: id, tenant }) => {
    if (typeof id !== 'string' || typeof tenant !== 'string') throw new Error('an invoice run job names no run');
    const run = await ports.invoices.run(id, tenant);
    // gone with its sandbox
    if (run === undefined || run.state === 'complete') return;
    try {
      await executeInvoiceRun(ports, run, options);
    } finally {
      options.onInvoices?.();
    }
  });
}

/** Starts every run that is due, moves the schedules on, and enqueues whatever is unfinished (again, after a crash). */
export async function startDueRuns(ports: InvoiceRunPorts): Promise<void> {
  const serverNowMs = ports.serverClock.nowMs();
  await ports.invoices.addMissingSchedules({ ...DEFAULT_SCHEDULE, nextRunAtMs: nextRunMs(DEFAULT_SCHEDULE, serverNowMs) });
  for (const schedule of await ports.invoices.due(serverNowMs)) {
    const nowMs = await ports.clock.nowMs(schedule.tenant);
    // A clock that moved past several due times makes a run for each.
    for (let atMs = schedule.nextRunAtMs; atMs <= nowMs;) {
      const nextMs = nextRunMs(schedule, atMs);
      const started = await ports.invoices.startScheduled(
        await runDraft(ports, { atMs, scheduled: true }, schedule.tenant),
        nextMs,
      );
      if (started === undefined) break;
      atMs = nextMs;
    }
  }
  await requeuePending(ports);
}

/**
 * Enqueues everything that the billing store says is pending: what waits or is worked on already stays as it is. Whatever a queue lost,
 * all of it included, comes back by this; the rating worker does so at its start and every half minute. Answers how many jobs should be there.
 */
export async function requeuePending(
  ports: Pick<InvoiceRunPorts, 'jobs'> & { readonly invoices: Pick<InvoiceRunStore, 'unfinishedRuns'> },
): Promise<{ readonly invoiceRuns: number }> {
  let invoiceRuns = 0;
  let after: string | null = null;
  do {
    const page: Page<InvoiceRun> = await ports.invoices.unfinishedRuns({ after, limit: UNFINISHED_RUNS_AT_A_TIME_MAX });
    for (const run of page.items) await enqueue(ports, run);
    invoiceRuns += page.items.length;
    after = page.nextAfter;
  } while (after !== null);
  return { invoiceRuns };
}

async function enqueue(
  ports: Pick<InvoiceRunPorts, 'jobs'>,
  run: InvoiceRun,
  when: Pick<JobOptions, 'delayMs'> = {},
): Promise<void> {
  await ports.jobs.enqueue(QUEUE, { run: run.id, tenant: run.tenant }, { jobId: run.id, ...JOB, ...when });
}

async function runDraft(
  ports: InvoicingPorts,
  { atMs, scheduled, subscription = null }: { atMs: number; scheduled: boolean; subscription?: string | null },
  tenant: string,
): Promise<InvoiceRunDraft> {
  const nowMs = await ports.clock.nowMs(tenant);
  return {
    id: newId('run', nowMs),
    tenant,
    subscription,
    atMs,
    scheduled,
    targetCut: await endOfLog(ports.log),
    createdAtMs: nowMs,
  };
}

/** The cut that holds everything appended so far. */
export async function endOfLog(log: InvoicingPorts['log']): Promise<Cut> {
  const partitions = Array.from({ length: log.partitionCount }, (_, partition) => partition);
  return Promise.all(partitions.map(async (partition) => (await log.bounds(partition)).next));
}
