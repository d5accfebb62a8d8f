import { formatInvoiceNumber } from '@meterline/domain/invoices';
import type {
  BillingCandidate,
  Database,
  InvoiceDraft,
  InvoiceStore,
  SqlExecutor,
  StoredInvoice,
} from '@meterline/pipeline/ports';
import { webhookMessageId } from '@meterline/pipeline/webhooks';
import { wakeCustomer } from '../catalog/customer-store.ts';
import { epochMs, epochMsOrNull, pageOf } from '../catalog/rows.ts';
import { enqueueMessage } from '../webhooks/index.ts';
import { invoiceRunStore, scheduleStore } from './run-store.ts';

interface InvoiceRow {
  readonly id: string;
  readonly tenant: string;
  readonly subscription: string;
  readonly period_from: string;
  readonly period_to: string;
  readonly document: string;
}

const invoice = (row: InvoiceRow): StoredInvoice => ({
  id: row.id,
  subscription: row.subscription,
  periodFromMs: epochMs(row.period_from),
  periodToMs: epochMs(row.period_to),
  document: row.document,
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
             select max(i.period_to) from invoice i where i.subscription = s.id and i.tenant = s.tenant
           ) as billed_through
           from subscription s where s.starts_at < $1 and s.id > $2 and s.tenant = $4
         ) candidate
         where (billed_through is null or billed_through < $1) and (ends_at is null or billed_through is null or billed_through <= ends_at)
         order by id limit $3`,
        [new Date(atMs), request.after ?? '', request.limit + 1, tenant],
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
         where subscription = any($1::text[]) and tenant = $2 group by subscription`,
        [subscriptions, tenant],
      );
      return new Map(rows.map((row) => [row.subscription, epochMs(row.billed_through)]));
    },

    async issuedSince(subscriptions, sinceMs, tenant) {
      const rows = await db.query<InvoiceRow>(
        `select id, tenant, subscription, period_from, period_to, document from invoice
         where subscription = any($1::text[]) and period_to >= $2 and tenant = $3 order by subscription, period_from`,
        [subscriptions, new Date(sinceMs), tenant],
      );
      return rows.map(invoice);
    },

    issue: (draft, tenant) => issue(db, draft, tenant),

    async invoice(id, tenant) {
      const rows = await db.query<InvoiceRow>('select * from invoice where id = $1 and tenant = $2', [id, tenant]);
      return rows.map(invoice)[0];
    },

    async invoices(request, tenant) {
      const rows = await db.query<InvoiceRow>(
        `select * from invoice where ($1::text is null or customer = $1) and ($2::text is null or id < $2) and tenant = $4
         order by id desc limit $3`,
        [request.customer ?? null, request.after, request.limit + 1, tenant],
      );
      return pageOf(rows, request, invoice, (row) => row.id);
    },

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

function issue(db: Database, draft: InvoiceDraft, tenant: string): Promise<'issued' | 'exists' | 'stale'> {
  return db.transaction(async (tx) => {
    // The counter's row lock lets one issuer of the tenant through at a time, so what the next query sees cannot change before we
    // commit. The unique key would refuse a second invoice anyway; looking first means a used period costs no number.
    const number = await nextNumber(tx, tenant);
    if (await isBilled(tx, draft, tenant)) return 'exists';
    if (await isStale(tx, draft, tenant)) return 'stale';
    const text = formatInvoiceNumber(number);
    const { document, message } = draft.finish(text);
    await tx.query(
      `insert into invoice (id, number, customer, subscription, period_from, period_to, currency, total, document, issued_at, tenant)
       values ($1, $2, $3, $4, $5, $6, $7, $8::numeric, $9, $10, $11)`,
      [
        draft.id,
        text,
        draft.customer,
        draft.subscription,
        new Date(draft.periodFromMs),
        new Date(draft.periodToMs),
        draft.currency,
        draft.total,
        document,
        new Date(draft.issuedAtMs),
        tenant,
      ],
    );
    await tx.query('update invoice_counter set last_number = $1::bigint where tenant = $2', [number, tenant]);
    await tx.query('update invoice_run set invoices = invoices + 1 where id = $1 and tenant = $2', [draft.run, tenant]);
    await enqueueMessage(tx, {
      id: webhookMessageId(tenant, 'invoice.finalized', draft.id),
      tenant,
      type: 'invoice.finalized',
      data: message,
      createdAtMs: draft.issuedAtMs,
    });
    await wakeCustomer(tx, draft.customer, tenant);
    return 'issued';
  });
}

/** Locks the tenant's counter and reads the number after the last one. */
async function nextNumber(tx: SqlExecutor, tenant: string): Promise<bigint> {
  await tx.query('insert into invoice_counter (tenant, last_number) values ($1, 0) on conflict do nothing', [tenant]);
  const [row] = await tx.query<{ last_number: string }>('select last_number from invoice_counter where tenant = $1 for update', [
    tenant,
  ]);
  if (row === undefined) throw new Error(`tenant ${tenant} has no invoice counter`);
  return BigInt(row.last_number) + 1n;
}

async function isBilled(tx: SqlExecutor, draft: InvoiceDraft, tenant: string): Promise<boolean> {
  const rows = await tx.query('select id from invoice where subscription = $1 and period_from = $2 and tenant = $3', [
    draft.subscription,
    new Date(draft.periodFromMs),
    tenant,
  ]);
  return rows.length > 0;
}

/** Whether the end of the subscription moved since the draft; locks it, so that it cannot move before we commit. */
async function isStale(tx: SqlExecutor, draft: InvoiceDraft, tenant: string): Promise<boolean> {
  const [row] = await tx.query<{ ends_at: string | null }>(
    'select ends_at from subscription where id = $1 and tenant = $2 for share',
    [draft.subscription, tenant],
  );
  return row === undefined || epochMsOrNull(row.ends_at) !== draft.endsAtMs;
}
