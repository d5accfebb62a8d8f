import { type EarlierDocuments, earlierDocuments } from '@meterline/domain/invoices';
import { cardsInAdvance } from '@meterline/domain/prices';
import { formatInstant } from '@meterline/domain/time';
import { invoiceOnLog } from '../invoices/parse-invoice.ts';
import type { InvoiceStore, StoredInvoice, SubscriptionTerms } from '../ports/index.ts';
import { billedBeforeInvoice, type DrawingPeriod } from '../prepaid/index.ts';

interface Unbilled {
  readonly terms: SubscriptionTerms;
  readonly period: { readonly fromMs: number };
}

/** Answers what was billed of periods that have no invoice yet. Plans that bill nothing before cost nothing. */
export async function earlierOfUnbilled(
  invoices: Pick<InvoiceStore, 'issuedSince'>,
  periods: readonly Unbilled[],
  tenant: string,
): Promise<(period: Unbilled) => EarlierDocuments> {
  const paying = periods.filter(({ terms }) => billsBefore(terms));
  if (paying.length === 0) return () => ({ fees: undefined, interims: [] });
  const sinceMs = Math.min(...paying.map(({ period }) => period.fromMs)) + 1;
  const stored = await invoices.issuedSince([...new Set(paying.map(({ terms }) => terms.id))], sinceMs, tenant);
  const earlier = stored.filter(isBeforeInvoice).map(invoiceOnLog);
  const bySubscription = Map.groupBy(earlier, ({ subscription }) => subscription);
  return ({ terms, period }) => earlierDocuments(bySubscription.get(terms.id) ?? [], formatInstant(period.fromMs));
}

/** Whether it bills a period before the invoice of that period. */
export function isBeforeInvoice({ kind }: Pick<StoredInvoice, 'kind'>): boolean {
  return kind === 'fee' || kind === 'credit_note' || kind === 'interim';
}

function billsBefore({ rateCards, cadence, invoiceThresholds }: SubscriptionTerms): boolean {
  return cardsInAdvance(rateCards).length > 0 || cadence.usageEvery !== undefined || invoiceThresholds !== null;
}

/** Grants paid their part of it when it was billed. */
export function drawingBehind(prepaid: DrawingPeriod | undefined, earlier: EarlierDocuments): DrawingPeriod | undefined {
  return prepaid && { ...prepaid, billed: billedBeforeInvoice(earlier, { keepsUnused: false }) };
}
