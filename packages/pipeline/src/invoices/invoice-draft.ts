import type { CommitmentSettlement } from '@meterline/domain/commitments';
import {
  type CreditNoteTerms,
  INVOICE_POLICY,
  type InvoiceDocument,
  type InvoicePeriod,
  totalDue,
} from '@meterline/domain/invoices';
import type { Grant } from '@meterline/domain/prepaid';
import type { BillingPeriod, FeeSharing } from '@meterline/domain/subscriptions';
import type { ChangeFee } from '@meterline/domain/stages';
import { formatInstant, parseInstantMs } from '@meterline/domain/time';
import { newId } from '../ids/index.ts';
import type { Account, Cut, InvoiceDraft, InvoiceKind, SubscriptionTerms } from '../ports/index.ts';
import type { DraftedPrepaid } from '../prepaid/index.ts';

export interface DraftContext {
  readonly cut: Cut;
  readonly nowMs: number;
  readonly run: string;
}

/** What a credit note says and gives; what it `follows` only the one who issues it knows. */
export interface CreditNoteContent {
  readonly terms: Omit<CreditNoteTerms, 'follows'>;
  readonly grant: Grant | null;
}

/** What an invoice charges, for which days of which subscription. */
export interface InvoiceContent extends Pick<
  InvoiceDocument,
  'lines' | 'billedInAdvance' | 'billedOnInterims' | 'adjustments' | 'interim'
> {
  readonly kind: InvoiceKind;
  readonly account: Account;
  readonly terms: SubscriptionTerms;
  readonly period: Pick<BillingPeriod, 'fromMs' | 'toMs' | 'days' | 'daysInPeriod' | 'sharing'> & { readonly index?: number };
  readonly commitments: readonly CommitmentSettlement[];
  /** Null where there are no grants to draw on. */
  readonly prepaid: DraftedPrepaid | null;
  /** As in the draft. */
  readonly earlier?: InvoiceDraft['earlier'];
  /** Of a credit note only. */
  readonly creditNote?: CreditNoteContent | undefined;
}

/** The invoice but for its number. */
export function invoiceDraft(content: InvoiceContent, { cut, nowMs, run }: DraftContext, tenant: string): InvoiceDraft {
  const { kind, account, terms, period, lines, adjustments, commitments, prepaid, creditNote, interim } = content;
  const { billedInAdvance, billedOnInterims } = content;
  const billed = { ...(billedInAdvance && { billedInAdvance }), ...(billedOnInterims && { billedOnInterims }) };
  const id = newId(kind === 'credit_note' ? 'cn' : 'inv', nowMs);
  const stated = prepaid !== null && { prepaid: prepaid.statement };
  const total = totalDue({ lines, ...billed, adjustments, commitments, ...stated, ...(interim && { interim }) }, terms.currency);
  const { key, name, timezone, subjects } = account;
  // Its lines are of a period, an invoice in advance has none.
  const changeFees = kind === 'period' ? feesIn(terms, period) : [];
  const document: Omit<InvoiceDocument, 'id' | 'number' | 'tenant'> = {
    ...(kind !== 'period' && { kind }),
    customer: { key, name, timezone, subjects },
    subscription: terms.id,
    plan: terms.plan,
    planVersion: terms.planVersion,
    priceRevision: terms.priceRevision,
    ...(account.negotiated.revision > 0 && { negotiatedRevision: account.negotiated.revision }),
    ...(terms.phase && { phase: { key: terms.phase.key, name: terms.phase.name } }),
    period: periodDocument(period),
    ...quantitiesDocument(terms, period),
    ...(changeFees.length > 0 && { changeFees }),
    currency: terms.currency,
    lines,
    ...billed,
    adjustments,
    ...((terms.commitment !== null || commitments.length > 0) && { commitments }),
    ...stated,
    ...(interim && { interim }),
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
    plan: { plan: terms.plan, version: terms.planVersion },
    priceRevision: terms.priceRevision,
    negotiatedRevision: account.negotiated.revision,
    run,
    prepaid: prepaid?.booking ?? null,
    earlier: content.earlier,
    interim: interim && { part: interim.part, usageToMs: parseInstantMs(interim.usageTo) ?? NaN },
    creditNote: creditNote && { invoice: creditNote.terms.invoice, grant: creditNote.grant },
    finish: (number, follows) => {
      const noted = creditNote && { creditNote: { ...creditNote.terms, follows } };
      const finished: InvoiceDocument = { id, number, tenant, ...document, ...noted };
      return { document: JSON.stringify(finished), message: messageOf(finished) };
    },
  };
}

/** A period as documents state it. */
export function periodDocument(period: InvoiceContent['period']): InvoicePeriod {
  return {
    from: formatInstant(period.fromMs),
    to: formatInstant(period.toMs),
    days: period.days,
    daysInPeriod: period.daysInPeriod,
    ...(period.sharing && { sharing: sharingDocument(period.sharing) }),
    ...(period.index !== undefined && { index: period.index }),
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

/** What the webhook tells: enough to know which document and how much, the rest is for asking. */
function messageOf({ id, number, kind, period, creditNote, interim, total, cut, ...document }: InvoiceDocument) {
  const { customer, subscription, plan, currency, issuedAt } = document;
  const shared = { customer: customer.key, subscription, plan, period: { from: period.from, to: period.to }, currency };
  const told = { ...(kind && { kind }), ...(interim?.threshold !== undefined && { threshold: interim.threshold }) };
  if (creditNote === undefined) return { invoice: id, number, ...told, ...shared, total, issuedAt, cut };
  const { invoice, reason, treatment, amount } = creditNote;
  return { creditNote: id, number, invoice, ...shared, reason, treatment, amount, issuedAt };
}
