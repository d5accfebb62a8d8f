import type { InvoiceDocument } from '@meterline/domain/invoices';
import type { StoredInvoice } from '../ports/index.ts';

export function parseInvoice({ document }: Pick<StoredInvoice, 'document'>): InvoiceDocument {
  return JSON.parse(document) as InvoiceDocument;
}

/** The invoice with its cut as it lies in the log of now: for reading the usage it was rated from. */
export function invoiceOnLog(stored: Pick<StoredInvoice, 'document' | 'movedCut'>): InvoiceDocument {
  const invoice = parseInvoice(stored);
  return stored.movedCut === null ? invoice : { ...invoice, cut: stored.movedCut };
}
