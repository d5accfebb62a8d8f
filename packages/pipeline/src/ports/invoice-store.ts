import type { Page, PageRequest } from './page.ts';
import type { PrepaidBooking } from './prepaid-store.ts';
import type { Cut } from './segment-ledger.ts';

/** Bills every period that ended at or before `atMs` and has no invoice yet. */
export interface InvoiceRun {
  readonly id: string;
  readonly tenant: string;
  readonly atMs: number;
  readonly scheduled: boolean;
  readonly state: 'running' | 'complete';
  /** The log as it stood when the run began: invoices wait until all of it is sealed. */
  readonly targetCut: Cut;
  /** Invoices this run issued. */
  readonly invoices: number;
  readonly createdAtMs: number;
  readonly completedAtMs: number | null;
}

export type InvoiceRunDraft = Pick<InvoiceRun, 'id' | 'tenant' | 'atMs' | 'scheduled' | 'targetCut' | 'createdAtMs'>;

export interface InvoiceSchedule {
  readonly cron: string;
  readonly timezone: string;
  readonly nextRunAtMs: number;
}

/** `period`: of a billing period that has ended. `advance`: of a committed minimum, when its term begins; its period is the term. */
export type InvoiceKind = 'period' | 'advance';

export interface StoredInvoice {
  readonly id: string;
  readonly kind: InvoiceKind;
  readonly subscription: string;
  readonly periodFromMs: number;
  readonly periodToMs: number;
  /** JSON, byte for byte as issued. */
  readonly document: string;
  /** Where the document's cut lies in the log of now, if it was issued on another log that was moved here. */
  readonly movedCut: Cut | null;
}

/** An invoice but for its number, which only the issuing transaction knows. */
export interface InvoiceDraft extends Omit<StoredInvoice, 'document' | 'movedCut'> {
  readonly customer: string;
  readonly currency: string;
  readonly total: string;
  readonly issuedAtMs: number;
  /** Of the subscription: what the period was computed with. */
  readonly subscriptionVersion: number;
  /** Of the newest price change of the plan version that it was rated with. */
  readonly priceRevision: number;
  /** The run that counts this invoice as its own. */
  readonly run: string;
  /** What it takes from the customer's grants, which may be nothing; null for a customer without any. */
  readonly prepaid: PrepaidBooking | null;
  /** The document, and the data of the `invoice.finalized` message, once the number is known. */
  finish(number: string): { readonly document: string; readonly message: Readonly<Record<string, unknown>> };
}

/** A customer of which some subscription may have an unbilled period. */
export interface BillingCandidate {
  readonly subscription: string;
  readonly customer: string;
  /** End of its last invoiced period, or null if there is none. Periods are invoiced in order, so all before are invoiced. */
  readonly billedThroughMs: number | null;
}

export interface InvoiceRunStore {
  /** A scheduled run that exists already (same tenant and instant) is answered instead of inserted. */
  insertRun(draft: InvoiceRunDraft): Promise<InvoiceRun>;
  run(id: string, tenant: string): Promise<InvoiceRun | undefined>;
  /** Newest first; `after` is a run id. */
  runs(request: PageRequest, tenant: string): Promise<Page<InvoiceRun>>;
  /** Runs of every tenant that are not complete, oldest first; `after` is a run id. */
  unfinishedRuns(request: PageRequest): Promise<Page<InvoiceRun>>;
  completeRun(id: string, nowMs: number, tenant: string): Promise<void>;
}

export interface ScheduleStore {
  schedule(tenant: string): Promise<InvoiceSchedule | undefined>;
  putSchedule(schedule: InvoiceSchedule, tenant: string): Promise<void>;
  /** Gives every tenant without a schedule this one. */
  addMissingSchedules(schedule: InvoiceSchedule): Promise<void>;
  /** The earliest `nextRunAtMs` of all tenants, or null without tenants. */
  nextDueMs(): Promise<number | null>;
  due(nowMs: number): Promise<(InvoiceSchedule & { readonly tenant: string })[]>;
  /**
   * In one transaction: inserts the run due at `schedule.nextRunAtMs` (unless it exists) and moves the schedule on to `nextRunAtMs`.
   * Undefined if another worker moved the schedule before.
   */
  startScheduled(draft: InvoiceRunDraft, nextRunAtMs: number): Promise<InvoiceRun | undefined>;
}

export interface InvoiceStore extends InvoiceRunStore, ScheduleStore {
  /** Subscriptions begun by `atMs` and not billed to their end, nor beyond `atMs`, by id. */
  candidates(atMs: number, request: PageRequest, tenant: string): Promise<Page<BillingCandidate>>;
  /** End of the last invoiced period of each subscription that has one; what is invoiced in advance does not count. */
  billedThrough(subscriptions: readonly string[], tenant: string): Promise<ReadonlyMap<string, number>>;
  /** Invoices of these subscriptions whose period ended at or after `sinceMs`, by period; one in advance before that of its first period. */
  issuedSince(subscriptions: readonly string[], sinceMs: number, tenant: string): Promise<StoredInvoice[]>;
  /**
   * In one transaction: takes the tenant's next number, keeps the invoice, books what it takes from grants, sends `invoice.finalized`,
   * counts it for the run and wakes rating for the customer (its next period has begun). `exists` if the period already has an invoice,
   * `stale` if the subscription was changed meanwhile, its plan version has another price revision or the grants stand otherwise: then
   * nothing happens, and no number is used.
   */
  issue(draft: InvoiceDraft, tenant: string): Promise<'issued' | 'exists' | 'stale'>;
  invoice(id: string, tenant: string): Promise<StoredInvoice | undefined>;
  /** Newest first; `after` is an invoice id. */
  invoices(request: PageRequest & { readonly customer?: string | undefined }, tenant: string): Promise<Page<StoredInvoice>>;
  /** Every invoice of every tenant, oldest first, for checking. */
  allInvoices(request: PageRequest): Promise<Page<StoredInvoice & { readonly tenant: string }>>;
}
