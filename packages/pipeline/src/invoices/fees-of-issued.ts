import { feeDocumentsOf, type FeeDocuments, type InvoiceDocument } from '@meterline/domain/invoices';
import { parseInstantMs } from '@meterline/domain/time';
import type { InvoiceStore } from '../ports/index.ts';
import { parseInvoice } from './parse-invoice.ts';

/** Answers what was billed in advance for the periods of issued invoices of one tenant; undefined for one that says that nothing was. */
export async function feesOfIssued(
  store: Pick<InvoiceStore, 'issuedSince'>,
  invoices: readonly InvoiceDocument[],
  tenant: string,
): Promise<(invoice: InvoiceDocument) => FeeDocuments | undefined> {
  const deducting = invoices.filter(({ billedInAdvance }) => billedInAdvance !== undefined);
  const subscriptions = [...new Set(deducting.map(({ subscription }) => subscription))];
  const sinceMs = Math.min(...deducting.map(({ period }) => parseInstantMs(period.from) ?? 0));
  const stored = subscriptions.length === 0 ? [] : await store.issuedSince(subscriptions, sinceMs, tenant);
  const fees = stored.filter(({ kind }) => kind === 'fee' || kind === 'credit_note').map(parseInvoice);
  const bySubscription = Map.groupBy(fees, ({ subscription }) => subscription);
  return ({ billedInAdvance, subscription, period }) =>
    billedInAdvance && feeDocumentsOf(bySubscription.get(subscription) ?? [], period.from);
}

/** Whether the invoice keeps what was paid in advance for time that was not used. */
export function keepsUnused({ billedInAdvance = [] }: Pick<InvoiceDocument, 'billedInAdvance'>): boolean {
  return billedInAdvance.some(({ kept }) => kept !== undefined);
}
