import type { InvoiceDocument } from '@meterline/domain/invoices';
import type { StoredInvoice } from '../ports/index.ts';

export function parseInvoice({ document }: Pick<StoredInvoice, 'document'>): InvoiceDocument {
  return JSON.parse(document) as InvoiceDocument;
}
