import { formatInvoiceNumber } from '@meterline/domain/invoices';
import type {
  BillingCandidate,
  Cut,
  Database,
  InvoiceDraft,
  InvoiceKind,
  InvoiceStore,
  SqlExecutor,
  StoredInvoice,
} from '@meterline/pipeline/ports';
import { webhookMessageId } from '@meterline/pipeline/webhooks';
import { wakeCustomer } from '../catalog/customer-store.ts';
import { epochMs, epochMsOrNull, pageOf } from '../catalog/rows.ts';
import { append, isAsDrafted, lockLedger } from '../prepaid/index.ts';
import { enqueueMessage } from '../webhooks/index.ts';
import { lockIssuing } from './issuing.ts';
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
           from subscription s where s.starts_at <= $1 and s.id > $2 and s.tenant = $4
         ) candidate
         where (billed_through is null or billed_through <= $1) and (ends_at is null or billed_through is null or billed_through <= ends_at)
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
         where subscription = any($1::text[]) and kind = 'period' and tenant = $2 group by subscription`,
        [subscriptions, tenant],
      );
      return new Map(rows.map((row) => [row.subscription, epochMs(row.billed_through)]));
    },

    async issuedSince(subscriptions, sinceMs, tenant) {
      const rows = await db.query<InvoiceRow>(
        `select id, kind, tenant, subscription, period_from, period_to, document, moved_cut from invoice
         where subscription = any($1::text[]) and period_to >= $2 and tenant = $3 order by subscription, period_from, kind`,
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
    const number = (await lockIssuing(tx, tenant)) + 1n;
    if (await isBilled(tx, draft, tenant)) return 'exists';
    if (await isStale(tx, draft, tenant)) return 'stale';
    const ledger = await lockLedger(tx, draft.customer, tenant);
    if (!isAsDrafted(ledger, draft.prepaid)) return 'stale';
    const text = formatInvoiceNumber(number);
    const { document, message } = draft.finish(text);
    await tx.query(
      `insert into invoice (id, number, customer, subscription, period_from, period_to, currency, total, document, issued_at, kind, tenant)
       values ($1, $2, $3, $4, $5, $6, $7, $8::numeric, $9, $10, $11, $12)`,
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
        draft.kind,
        tenant,
      ],
    );
    if (ledger && draft.prepaid) {
      await append(tx, ledger, draft.prepaid.movements, { invoice: draft.id, bookedAtMs: draft.issuedAtMs });
    }
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

async function isBilled(tx: SqlExecutor, draft: InvoiceDraft, tenant: string): Promise<boolean> {
  const rows = await tx.query(
    'select id from invoice where subscription = $1 and period_from = $2 and kind = $3 and tenant = $4',
    [draft.subscription, new Date(draft.periodFromMs), draft.kind, tenant],
  );
  return rows.length > 0;
}

/** Whether the subscription or its prices changed since the draft; locks it, so that they cannot before we commit. */
async function isStale(tx: SqlExecutor, draft: InvoiceDraft, tenant: string): Promise<boolean> {
  // Locked by itself: the stages read next are those of the version locked here.
  const [subscription] = await tx.query<{ version: number }>(
    'select version from subscription where id = $1 and tenant = $2 for share',
    [draft.subscription, tenant],
  );
  if (subscription?.version !== draft.subscriptionVersion) return true;
  const [row] = await tx.query<{ price_revision: number }>(
    `select v.price_revision from subscription_stage st
     join plan_version v on v.tenant = st.tenant and v.plan = st.plan and v.version = st.plan_version
     where st.subscription = $1 and st.from_at < $2 and (st.until_at is null or st.until_at > $3) and st.tenant = $4
     order by st.from_at limit 1`,
    [draft.subscription, new Date(draft.periodToMs), new Date(draft.periodFromMs), tenant],
  );
  return row?.price_revision !== draft.priceRevision;
}
