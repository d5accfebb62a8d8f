import type {
  BillingCandidate,
  Cut,
  Database,
  InvoiceKind,
  InvoicePageRequest,
  InvoiceStore,
  Page,
  StoredInvoice,
} from '@meterline/pipeline/ports';
import { epochMs, epochMsOrNull, pageOf } from '../catalog/rows.ts';
import { issue } from './issue.ts';
import { invoiceRunStore, scheduleStore } from './run-store.ts';

interface InvoiceRow {
  readonly id: string;
  readonly kind: InvoiceKind;
  readonly tenant: string;
  readonly subscription: string;
  readonly period_from: string;
  readonly period_to: string;
  readonly document: string;
  readonly moved_cut: Cut | null;
}

const invoice = (row: InvoiceRow): StoredInvoice => ({
  id: row.id,
  kind: row.kind,
  subscription: row.subscription,
  periodFromMs: epochMs(row.period_from),
  periodToMs: epochMs(row.period_to),
  document: row.document,
  movedCut: row.moved_cut,
});

/** Invoices, their runs and their schedules, on PostgreSQL or PGlite. */
export function invoiceStore(db: Database): InvoiceStore {
  return {
    ...invoiceRunStore(db),
    ...scheduleStore(db),

    async candidates(atMs, request, tenant) {
      // A period ends at the midnight after the day of `ends_at`: only the invoice of the last one reaches beyond `ends_at`.
      const rows = await db.query<{ id: string; customer: string; billed_through: string | null }>(
        `select * from (
           select s.id, s.customer, s.ends_at, (
             select max(i.period_to) from invoice i where i.subscription = s.id and i.kind = 'period' and i.tenant = s.tenant
           ) as billed_through
           from subscription s where s.starts_at <= $1 and s.id > $2 and ($5::text is null or s.id = $5) and s.tenant = $4
         ) candidate
         where (billed_through is null or billed_through <= $1) and (ends_at is null or billed_through is null or billed_through <= ends_at)
         order by id limit $3`,
        [new Date(atMs), request.after ?? '', request.limit + 1, tenant, request.subscription ?? null],
      );
      const candidate = (row: (typeof rows)[number]): BillingCandidate => ({
        subscription: row.id,
        customer: row.customer,
        billedThroughMs: epochMsOrNull(row.billed_through),
      });
      return pageOf(rows, request, candidate, (row) => row.id);
    },

    async billedThrough(subscriptions, tenant) {
      const rows = await db.query<{ subscription: string; billed_through: string }>(
        `select subscription, max(period_to) as billed_through from invoice
         where subscription = any($1::text[]) and kind = 'period' and tenant = $2 group by subscription`,
        [subscriptions, tenant],
      );
      return new Map(rows.map((row) => [row.subscription, epochMs(row.billed_through)]));
    },

    async issuedSince(subscriptions, sinceMs, tenant) {
      const rows = await db.query<InvoiceRow>(
        `select id, kind, tenant, subscription, period_from, period_to, document, moved_cut from invoice
         where subscription = any($1::text[]) and period_to >= $2 and tenant = $3
         order by subscription, period_from, array_position(array['advance', 'fee', 'interim', 'credit_note', 'period'], kind), part nulls first`,
        [subscriptions, new Date(sinceMs), tenant],
      );
      return rows.map(invoice);
    },

    issue: (draft, tenant) => issue(db, draft, tenant),

    async invoice(id, tenant) {
      const rows = await db.query<InvoiceRow>('select * from invoice where id = $1 and tenant = $2', [id, tenant]);
      return rows.map(invoice)[0];
    },

    invoices: (request, tenant) => newest(db, request, { creditNotes: false }, tenant),
    creditNotes: (request, tenant) => newest(db, request, { creditNotes: true }, tenant),

    async allInvoices(request) {
      const rows = await db.query<InvoiceRow>('select * from invoice where id > $1 order by id limit $2', [
        request.after ?? '',
        request.limit + 1,
      ]);
      return pageOf(
        rows,
        request,
        (row) => ({ ...invoice(row), tenant: row.tenant }),
        (row) => row.id,
      );
    },
  };
}

async function newest(
  db: Database,
  request: InvoicePageRequest,
  { creditNotes }: { readonly creditNotes: boolean },
  tenant: string,
): Promise<Page<StoredInvoice>> {
  const rows = await db.query<InvoiceRow>(
    `select * from invoice where ($1::text is null or customer = $1) and ($2::text is null or id < $2) and (kind = 'credit_note') = $5 and tenant = $4
     order by id desc limit $3`,
    [request.customer ?? null, request.after, request.limit + 1, tenant, creditNotes],
  );
  return pageOf(rows, request, invoice, (row) => row.id);
}
