import type { CommitmentSettlement } from '@meterline/domain/commitments';
import type { InvoiceDocument } from '@meterline/domain/invoices';
import type { BillingPeriod } from '@meterline/domain/subscriptions';
import { termOf } from '../commitments/index.ts';
import type { Account, InvoiceStore, SubscriptionTerms } from '../ports/index.ts';
import { parseInvoice } from './parse-invoice.ts';
import { settledWithin } from './settlements.ts';

/** What fees that are billed in advance draw from a minimum that is paid in advance too. Other commitments are settled by the period's invoice. */
export async function drawnInAdvance(
  ports: { readonly invoices: Pick<InvoiceStore, 'issuedSince'> },
  { account, terms, period }: { readonly account: Account; readonly terms: SubscriptionTerms; readonly period: BillingPeriod },
  charges: Pick<InvoiceDocument, 'kind' | 'lines' | 'adjustments'>,
  tenant: string,
): Promise<CommitmentSettlement[]> {
  const { commitment } = terms;
  if (commitment?.trueUp !== 'in_advance') return [];
  const term = termOf({ account, terms, commitment }, period.fromMs);
  const issued = await ports.invoices.issuedSince([terms.id], term.fromMs, tenant);
  return settledWithin({ account, terms, period, issued: issued.map(parseInvoice) }, charges);
}
