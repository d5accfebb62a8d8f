import { creditNoteNumber, formatInvoiceNumber } from '@meterline/domain/invoices';
import type { Database, InvoiceDraft, InvoiceKind, SqlExecutor } from '@meterline/pipeline/ports';
import { webhookMessageId } from '@meterline/pipeline/webhooks';
import { NEGOTIATED_REVISION } from '../catalog/customer-store.ts';
import { wakeCustomer } from '../catalog/wake-customer.ts';
import { append, giveGrant, isAsDrafted, lockLedger } from '../prepaid/index.ts';
import { enqueueMessage } from '../webhooks/index.ts';
import { lockIssuing } from './issuing.ts';

export function issue(db: Database, draft: InvoiceDraft, tenant: string): Promise<'issued' | 'exists' | 'stale'> {
  return db.transaction(async (tx) => {
    // The counter's row lock lets one issuer of the tenant through at a time, so what the next query sees cannot change before we
    // commit. The unique key would refuse a second invoice anyway; looking first means a used period costs no number.
    const last = await lockIssuing(tx, tenant);
    if (await isBilled(tx, draft, tenant)) return 'exists';
    if ((await isStale(tx, draft, tenant)) || (await isBehindOthers(tx, draft, tenant))) return 'stale';
    const ledger = await lockLedger(tx, draft.customer, tenant);
    // A minimum in advance is never paid by grants: they stand as they like.
    if (draft.kind !== 'advance' && !isAsDrafted(ledger, draft.prepaid)) return 'stale';
    const { creditNote } = draft;
    const text = creditNote === undefined ? formatInvoiceNumber(last + 1n) : creditNoteNumber(creditNote.invoice);
    const { document, message } = draft.finish(text, last === 0n ? null : formatInvoiceNumber(last));
    await tx.query(
      `insert into invoice (id, number, customer, subscription, period_from, period_to, currency, total, document, issued_at, kind, tenant, part, usage_to)
       values ($1, $2, $3, $4, $5, $6, $7, $8::numeric, $9, $10, $11, $12, $13, $14)`,
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
        await partOf(tx, draft, tenant),
        draft.interim === undefined ? null : new Date(draft.interim.usageToMs),
      ],
    );
    if (ledger && draft.prepaid) {
      await append(tx, ledger, draft.prepaid.movements, { invoice: draft.id, bookedAtMs: draft.issuedAtMs });
    }
    if (creditNote === undefined) {
      await tx.query('update invoice_counter set last_number = $1::bigint where tenant = $2', [last + 1n, tenant]);
      await tx.query('update invoice_run set invoices = invoices + 1 where id = $1 and tenant = $2', [draft.run, tenant]);
    } else if (creditNote.grant !== null) await giveGrant(tx, draft.customer, creditNote.grant, tenant);
    const type = creditNote === undefined ? 'invoice.finalized' : 'credit_note.issued';
    await enqueueMessage(tx, {
      id: webhookMessageId(tenant, type, draft.id),
      tenant,
      type,
      data: message,
      createdAtMs: draft.issuedAtMs,
    });
    await wakeCustomer(tx, draft.customer, tenant);
    return 'issued';
  });
}

/**
 * Of interim invoices a period has many: one that does not know of the others is stale. It has another fee invoice once the one before is given back, by
 * the one credit note that each of them may have.
 */
async function isBilled(tx: SqlExecutor, draft: InvoiceDraft, tenant: string): Promise<boolean> {
  const note = draft.creditNote && creditNoteNumber(draft.creditNote.invoice);
  const rows = await tx.query(
    `select id from invoice i where subscription = $1 and period_from = $2 and tenant = $4
       and (kind = 'period' and $3 <> 'advance' or kind = $3 and kind in ('period', 'advance') or kind = 'credit_note' and number = $5
         or kind = 'fee' and $3 = 'fee' and not exists (select from invoice n where n.tenant = i.tenant and n.number = i.number || $6))`,
    [draft.subscription, new Date(draft.periodFromMs), draft.kind, tenant, note ?? null, creditNoteNumber('')],
  );
  return rows.length > 0;
}

/** Which one it is of the interim invoices, or from the second on of the fee invoices, of its period. A credit note has the part of its invoice. */
async function partOf(tx: SqlExecutor, draft: InvoiceDraft, tenant: string): Promise<number | null> {
  if (draft.kind === 'credit_note') {
    const [of] = await tx.query<{ part: number | null }>('select part from invoice where number = $1 and tenant = $2', [
      draft.creditNote?.invoice ?? null,
      tenant,
    ]);
    return of?.part ?? null;
  }
  if (draft.kind !== 'fee') return draft.interim?.part ?? null;
  const fees = await tx.query(
    `select id from invoice where subscription = $1 and period_from = $2 and kind = 'fee' and tenant = $3`,
    [draft.subscription, new Date(draft.periodFromMs), tenant],
  );
  return fees.length === 0 ? null : fees.length + 1;
}

/** Whether documents billed the period, or gave something of it back, that the draft does not know of. */
async function isBehindOthers(tx: SqlExecutor, draft: InvoiceDraft, tenant: string): Promise<boolean> {
  if (draft.earlier === undefined) return false;
  const rows = await tx.query<{ kind: InvoiceKind }>(
    `select kind from invoice where subscription = $1 and period_from = $2 and kind in ('fee', 'credit_note', 'interim') and tenant = $3`,
    [draft.subscription, new Date(draft.periodFromMs), tenant],
  );
  const interims = rows.filter(({ kind }) => kind === 'interim').length;
  const { fees, interims: known = interims } = draft.earlier;
  return rows.length - interims !== fees || interims !== known;
}

/** Whether the subscription, its prices or those of its customer changed since the draft; locks it, so that they cannot before we commit. */
async function isStale(tx: SqlExecutor, draft: InvoiceDraft, tenant: string): Promise<boolean> {
  // Locked by itself: what is read next is of the version locked here.
  const [subscription] = await tx.query<{ version: number }>(
    'select version from subscription where id = $1 and tenant = $2 for share',
    [draft.subscription, tenant],
  );
  if (subscription?.version !== draft.subscriptionVersion) return true;
  const { plan, version } = draft.plan;
  const [row] = await tx.query<{ price_revision: number }>(
    'select price_revision from plan_version where plan = $1 and version = $2 and tenant = $3',
    [plan, version, tenant],
  );
  if (row?.price_revision !== draft.priceRevision) return true;
  const [customer] = await tx.query<{ revision: number }>(
    `select ${NEGOTIATED_REVISION} as revision from customer c where key = $1 and tenant = $2`,
    [draft.customer, tenant],
  );
  return customer?.revision !== draft.negotiatedRevision;
}
