import { type EarlierDocuments, earlierDocuments, type InvoiceDocument } from '@meterline/domain/invoices';
import { parseInstantMs } from '@meterline/domain/time';
import type { InvoiceStore } from '../ports/index.ts';
import { isBeforeInvoice } from '../spend/index.ts';
import { ordinal } from './ordinal.ts';
import { invoiceOnLog } from './parse-invoice.ts';

/** Answers what billed the periods of issued invoices of one tenant before them; nothing for one that says that nothing did. */
export async function earlierOfIssued(
  store: Pick<InvoiceStore, 'issuedSince'>,
  invoices: readonly InvoiceDocument[],
  tenant: string,
): Promise<(invoice: InvoiceDocument) => EarlierDocuments> {
  const deducting = new Set(
    invoices.filter(
      ({ kind, billedInAdvance, billedOnInterims }) =>
        kind === 'interim' || billedInAdvance !== undefined || billedOnInterims !== undefined,
    ),
  );
  const subscriptions = [...new Set([...deducting].map(({ subscription }) => subscription))];
  const sinceMs = Math.min(...[...deducting].map(({ period }) => parseInstantMs(period.from) ?? 0));
  const stored = subscriptions.length === 0 ? [] : await store.issuedSince(subscriptions, sinceMs, tenant);
  const bySubscription = Map.groupBy(stored.filter(isBeforeInvoice).map(invoiceOnLog), ({ subscription }) => subscription);
  return (invoice) => {
    if (!deducting.has(invoice)) return { fees: undefined, interims: [] };
    const before = (bySubscription.get(invoice.subscription) ?? []).filter((other) => ordinal(other) < ordinal(invoice));
    return earlierDocuments(before, invoice.period.from);
  };
}

/** Whether the invoice keeps what was paid in advance for time that was not used. */
export function keepsUnused({ billedInAdvance = [] }: Pick<InvoiceDocument, 'billedInAdvance'>): boolean {
  return billedInAdvance.some(({ kept }) => kept !== undefined);
}
