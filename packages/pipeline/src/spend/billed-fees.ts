import { type FeeDocuments, feeDocumentsOf } from '@meterline/domain/invoices';
import { cardsInAdvance } from '@meterline/domain/prices';
import { formatInstant } from '@meterline/domain/time';
import { parseInvoice } from '../invoices/parse-invoice.ts';
import type { InvoiceStore, SubscriptionTerms } from '../ports/index.ts';
import { billedFees, type DrawingPeriod } from '../prepaid/index.ts';

interface Unbilled {
  readonly terms: SubscriptionTerms;
  readonly period: { readonly fromMs: number };
}

/** Answers what was billed in advance for periods that have no invoice yet. Plans without such fees cost nothing. */
export async function unsettledFees(
  invoices: Pick<InvoiceStore, 'issuedSince'>,
  periods: readonly Unbilled[],
  tenant: string,
): Promise<(period: Unbilled) => FeeDocuments | undefined> {
  const paying = periods.filter(({ terms }) => cardsInAdvance(terms.rateCards).length > 0);
  if (paying.length === 0) return () => undefined;
  const sinceMs = Math.min(...paying.map(({ period }) => period.fromMs)) + 1;
  const stored = await invoices.issuedSince([...new Set(paying.map(({ terms }) => terms.id))], sinceMs, tenant);
  const fees = stored.filter(({ kind }) => kind === 'fee' || kind === 'credit_note').map(parseInvoice);
  const bySubscription = Map.groupBy(fees, ({ subscription }) => subscription);
  return ({ terms, period }) => feeDocumentsOf(bySubscription.get(terms.id) ?? [], formatInstant(period.fromMs));
}

/** Grants paid their part of such fees when they were billed. */
export function drawingBehind(prepaid: DrawingPeriod | undefined, fees: FeeDocuments | undefined): DrawingPeriod | undefined {
  return prepaid && fees ? { ...prepaid, billed: billedFees(fees, { keepsUnused: false }) } : prepaid;
}
