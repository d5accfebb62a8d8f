import { type InvoiceDocument, type InvoiceLine, settleTerm } from '@meterline/domain/invoices';
import { parseInstantMs } from '@meterline/domain/time';
import type { InvoiceStore } from '../ports/index.ts';
import type { BilledAgain } from './billed-again.ts';
import { ordinal } from './ordinal.ts';
import { parseInvoice } from './parse-invoice.ts';

/**
 * Answers what the commitments of issued invoices of one tenant come to, from the lines rated again, what was billed of them before, and from the
 * invoices that were issued before each (as they are: those are checked by themselves). Undefined for an invoice without commitments.
 */
export async function settledAgain(
  store: Pick<InvoiceStore, 'issuedSince'>,
  invoices: readonly InvoiceDocument[],
  tenant: string,
): Promise<(invoice: InvoiceDocument, lines: readonly InvoiceLine[], before: BilledAgain) => InvoiceDocument['commitments']> {
  const terms = invoices.flatMap(({ commitments = [] }) => commitments.map(({ term }) => instantMs(term.from)));
  const subscriptions = [
    ...new Set(invoices.flatMap(({ commitments = [], subscription }) => (commitments.length > 0 ? subscription : []))),
  ];
  const stored = subscriptions.length === 0 ? [] : await store.issuedSince(subscriptions, Math.min(...terms), tenant);
  const bySubscription = Map.groupBy(stored.map(parseInvoice), ({ subscription }) => subscription);

  return (invoice, lines, { billedInAdvance, heldBack }) => {
    const { kind, commitments, subscription, currency, period, adjustments, interim } = invoice;
    const issued = (bySubscription.get(subscription) ?? []).filter((other) => ordinal(other) < ordinal(invoice));
    const stated = {
      ...(kind && { kind }),
      ...(interim && { interim: { ...interim, heldBack } }),
      ...(billedInAdvance && { billedInAdvance }),
    };
    const now = { ...stated, period, lines, adjustments };
    return commitments?.map(({ commitment, term: { from, to, days, daysInTerm }, elapsedDays }) => {
      const term = { fromMs: instantMs(from), toMs: instantMs(to), days, daysInTerm };
      return settleTerm({ commitment, currency, term, elapsedDays, issued, now });
    });
  };
}

function instantMs(text: string): number {
  const ms = parseInstantMs(text);
  if (ms === undefined) throw new Error(`an issued invoice holds the instant ${text}`);
  return ms;
}
