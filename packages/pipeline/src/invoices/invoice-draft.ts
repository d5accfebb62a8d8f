import type { CommitmentSettlement } from '@meterline/domain/commitments';
import { INVOICE_POLICY, type InvoiceDocument, totalDue } from '@meterline/domain/invoices';
import type { BillingPeriod, FeeSharing } from '@meterline/domain/subscriptions';
import type { ChangeFee } from '@meterline/domain/stages';
import { formatInstant } from '@meterline/domain/time';
import { newId } from '../ids/index.ts';
import type { Account, Cut, InvoiceDraft, InvoiceKind, SubscriptionTerms } from '../ports/index.ts';
import type { DraftedPrepaid } from '../prepaid/index.ts';

export interface DraftContext {
  readonly cut: Cut;
  readonly nowMs: number;
  readonly run: string;
}

/** What an invoice charges, for which days of which subscription. */
export interface InvoiceContent extends Pick<InvoiceDocument, 'lines' | 'adjustments'> {
  readonly kind: InvoiceKind;
  readonly account: Account;
  readonly terms: SubscriptionTerms;
  readonly period: Pick<BillingPeriod, 'fromMs' | 'toMs' | 'days' | 'daysInPeriod' | 'sharing'> & { readonly index?: number };
  readonly commitments: readonly CommitmentSettlement[];
  /** Null where there are no grants to draw on. */
  readonly prepaid: DraftedPrepaid | null;
}

/** The invoice but for its number. */
export function invoiceDraft(content: InvoiceContent, { cut, nowMs, run }: DraftContext, tenant: string): InvoiceDraft {
  const { kind, account, terms, period, lines, adjustments, commitments, prepaid } = content;
  const id = newId('inv', nowMs);
  const stated = prepaid !== null && { prepaid: prepaid.statement };
  const total = totalDue({ lines, adjustments, commitments, ...stated }, terms.currency);
  const { key, name, subjects } = account;
  // Its lines are of a period, an invoice in advance has none.
  const changeFees = kind === 'period' ? feesIn(terms, period) : [];
  const document: Omit<InvoiceDocument, 'id' | 'number' | 'tenant'> = {
    ...(kind === 'advance' && { kind }),
    customer: { key, name, subjects },
    subscription: terms.id,
    plan: terms.plan,
    planVersion: terms.planVersion,
    priceRevision: terms.priceRevision,
    period: {
      from: formatInstant(period.fromMs),
      to: formatInstant(period.toMs),
      days: period.days,
      daysInPeriod: period.daysInPeriod,
      ...(period.sharing && { sharing: sharingDocument(period.sharing) }),
      ...(period.index !== undefined && { index: period.index }),
    },
    ...quantitiesDocument(terms, period),
    ...(changeFees.length > 0 && { changeFees }),
    currency: terms.currency,
    lines,
    adjustments,
    ...((terms.commitment !== null || commitments.length > 0) && { commitments }),
    ...stated,
    total,
    cut,
    issuedAt: formatInstant(nowMs),
    policy: { ...INVOICE_POLICY, proration: period.sharing?.by ?? 'day' },
  };
  return {
    id,
    kind,
    customer: key,
    subscription: terms.id,
    periodFromMs: period.fromMs,
    periodToMs: period.toMs,
    currency: terms.currency,
    total,
    issuedAtMs: nowMs,
    subscriptionVersion: terms.subscriptionVersion,
    priceRevision: terms.priceRevision,
    run,
    prepaid: prepaid?.booking ?? null,
    finish: (number) => {
      const finished: InvoiceDocument = { id, number, tenant, ...document };
      return { document: JSON.stringify(finished), message: invoiceMessage(finished) };
    },
  };
}

function feesIn({ changeFees }: SubscriptionTerms, { fromMs, toMs }: InvoiceContent['period']): ChangeFee[] {
  return changeFees.filter(({ atMs }) => atMs >= fromMs && atMs < toMs).map(({ key, name, amount }) => ({ key, name, amount }));
}

/** Those that hold in the period, the first of them from before or at its beginning. */
function quantitiesDocument(
  { quantities }: SubscriptionTerms,
  { fromMs, toMs }: InvoiceContent['period'],
): Pick<InvoiceDocument, 'quantities'> {
  const holding = quantities.filter((each, index) => each.fromMs < toMs && (quantities[index + 1]?.fromMs ?? Infinity) > fromMs);
  if (holding.length === 0) return {};
  return { quantities: holding.map(({ fromMs: holdsFromMs, of }) => ({ from: formatInstant(holdsFromMs), of })) };
}

function sharingDocument(sharing: FeeSharing): NonNullable<InvoiceDocument['period']['sharing']> {
  if (sharing.by === 'none') return sharing;
  const { fromMs, toMs, ...rest } = sharing;
  return { ...rest, from: formatInstant(fromMs), to: formatInstant(toMs) };
}

/** What `invoice.finalized` tells: enough to know which invoice and how much, the rest is for asking. */
function invoiceMessage({ id, number, customer, subscription, plan, period, currency, total, issuedAt, cut }: InvoiceDocument) {
  return {
    invoice: id,
    number,
    customer: customer.key,
    subscription,
    plan,
    period: { from: period.from, to: period.to },
    currency,
    total,
    issuedAt,
    cut,
  };
}
