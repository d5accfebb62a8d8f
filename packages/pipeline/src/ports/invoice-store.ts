import type { Grant } from '@meterline/domain/prepaid';
import type { PlanVersionKey } from './catalog-store.ts';
import type { Page, PageRequest } from './page.ts';
import type { PrepaidBooking } from './prepaid-store.ts';
import type { Cut } from './segment-ledger.ts';

/** Bills every period that ended at or before `atMs` and has no invoice yet, and the fees of those that have begun. */
export interface InvoiceRun {
  readonly id: string;
  readonly tenant: string;
  /** The only subscription that it looks at; null: at all. */
  readonly subscription: string | null;
  /** Money: the run began as what this subscription owes within a period reached it, and bills that alone. Null for other runs. */
  readonly threshold: string | null;
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

export type InvoiceRunDraft = Pick<InvoiceRun, 'id' | 'tenant' | 'atMs' | 'scheduled' | 'targetCut' | 'createdAtMs'> &
  Partial<Pick<InvoiceRun, 'subscription'>>;

export type ThresholdRunDraft = InvoiceRunDraft & { readonly subscription: string; readonly threshold: string };

export interface InvoiceSchedule {
  readonly cron: string;
  readonly timezone: string;
  readonly nextRunAtMs: number;
}

/**
 * `period`: of a billing period that has ended. `advance`: of a committed minimum, when its term begins; its period is the term. `fee`: of the fees that
 * are due when their period begins. `interim`: of the usage so far of a period that goes on. `credit_note`: what of fees is given back; its period is
 * that of their invoice.
 */
export type InvoiceKind = 'period' | 'advance' | 'fee' | 'interim' | 'credit_note';

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
  /** What it was rated under. */
  readonly plan: PlanVersionKey;
  /** Of the newest price change of that plan version. */
  readonly priceRevision: number;
  /** Of what was negotiated with the customer last. */
  readonly negotiatedRevision: number;
  /** The run that counts this invoice as its own. */
  readonly run: string;
  /** What it takes from the customer's grants, which may be nothing; null for a customer without any, and in advance of a minimum, which they never pay. */
  readonly prepaid: PrepaidBooking | null;
  /**
   * How many documents that bill its period before the invoice it was drafted with: fee invoices and their credit notes, and interim invoices. Absent
   * where it does not matter.
   */
  readonly earlier?: { readonly fees: number; readonly interims?: number } | undefined;
  /** Of an interim invoice only. */
  readonly interim?: { readonly part: number; readonly usageToMs: number } | undefined;
  /** Of a credit note only: the invoice that it gives back from, by number, and the grant that the customer gets. */
  readonly creditNote?: { readonly invoice: string; readonly grant: Grant | null } | undefined;
  /** The document, and the data of its message, once its number and that of the tenant's last invoice before it are known. */
  finish(
    number: string,
    lastInvoice: string | null,
  ): { readonly document: string; readonly message: Readonly<Record<string, unknown>> };
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
  /**
   * A subscription has one such run at a time: one that is not complete is answered instead, raised to the level and cut of this one if its own level is
   * lower. Undefined if it was completed meanwhile, which wakes rating for the customer.
   */
  startAtThreshold(draft: ThresholdRunDraft): Promise<InvoiceRun | undefined>;
  run(id: string, tenant: string): Promise<InvoiceRun | undefined>;
  /** Newest first; `after` is a run id. */
  runs(request: PageRequest, tenant: string): Promise<Page<InvoiceRun>>;
  /** Runs of every tenant that are not complete, oldest first; `after` is a run id. */
  unfinishedRuns(request: PageRequest): Promise<Page<InvoiceRun>>;
  /** Where the run began at a threshold also wakes rating for its customer: a level may have been reached while it ran. */
  completeRun(id: string, nowMs: number, tenant: string): Promise<void>;
}

export interface ScheduleStore {
  schedule(tenant: string): Promise<InvoiceSchedule | undefined>;
  putSchedule(schedule: InvoiceSchedule, tenant: string): Promise<void>;
  /** Gives every tenant without a schedule this one. */
  addMissingSchedules(schedule: InvoiceSchedule): Promise<void>;
  /** When the first `nextRunAtMs` of all tenants comes, by the server's time, or null without tenants. */
  nextDueMs(): Promise<number | null>;
  /** Those whose `nextRunAtMs` has come by the time of their tenant. */
  due(serverNowMs: number): Promise<(InvoiceSchedule & { readonly tenant: string })[]>;
  /**
   * In one transaction: inserts the run due at `schedule.nextRunAtMs` (unless it exists) and moves the schedule on to `nextRunAtMs`.
   * Undefined if another worker moved the schedule before.
   */
  startScheduled(draft: InvoiceRunDraft, nextRunAtMs: number): Promise<InvoiceRun | undefined>;
}

export type InvoicePageRequest = PageRequest & { readonly customer?: string | undefined };

export interface InvoiceStore extends InvoiceRunStore, ScheduleStore {
  /** Subscriptions begun by `atMs` and not billed to their end, nor beyond `atMs`, by id; with `subscription` that one alone. */
  candidates(
    atMs: number,
    request: PageRequest & { readonly subscription?: string | null | undefined },
    tenant: string,
  ): Promise<Page<BillingCandidate>>;
  /** End of the last invoiced period of each subscription that has one; what is invoiced in advance does not count. */
  billedThrough(subscriptions: readonly string[], tenant: string): Promise<ReadonlyMap<string, number>>;
  /**
   * Invoices and credit notes of these subscriptions whose period ended at or after `sinceMs`, by the beginning of their periods; of one beginning those in
   * advance first, interim invoices in order, credit notes behind what they give back from, and the period's own last.
   */
  issuedSince(subscriptions: readonly string[], sinceMs: number, tenant: string): Promise<StoredInvoice[]>;
  /**
   * In one transaction: takes the tenant's next number, keeps the invoice, books what it takes from grants, sends `invoice.finalized`, counts it for the
   * run and wakes rating for the customer (its next period has begun). `exists` if the period already has an invoice (of this kind, or that settles what
   * this one would bill before it), `stale` if the subscription was changed meanwhile, its plan version has another price revision, the customer
   * negotiated another price, the grants stand otherwise or other documents billed the period meanwhile: then nothing happens, and no number is used. A
   * credit note takes its number from its invoice, sends `credit_note.issued`, gives its grant and does not count as an invoice of the run.
   */
  issue(draft: InvoiceDraft, tenant: string): Promise<'issued' | 'exists' | 'stale'>;
  invoice(id: string, tenant: string): Promise<StoredInvoice | undefined>;
  /** Newest first, without credit notes; `after` is an invoice id. */
  invoices(request: InvoicePageRequest, tenant: string): Promise<Page<StoredInvoice>>;
  /** The same of credit notes alone. */
  creditNotes(request: InvoicePageRequest, tenant: string): Promise<Page<StoredInvoice>>;
  /** Every invoice and credit note of every tenant, oldest first, for checking. */
  allInvoices(request: PageRequest): Promise<Page<StoredInvoice & { readonly tenant: string }>>;
}
