import { adjustmentsFor, INVOICE_POLICY, type InvoiceDocument, totalOf } from '@meterline/domain/invoices';
import type { BillingPeriod } from '@meterline/domain/subscriptions';
import { formatInstant, parseInstantMs } from '@meterline/domain/time';
import { newId } from '../ids/index.ts';
import type { Account, Cut, InvoiceDraft, StoredInvoice, SubscriptionTerms } from '../ports/index.ts';
import { type PeriodToRate, ratePeriods, type RatingPorts } from '../spend/index.ts';

/** A period that has ended and has no invoice yet. */
export interface DuePeriod {
  readonly account: Account;
  readonly terms: SubscriptionTerms;
  readonly period: BillingPeriod;
  /** Earlier invoices of the subscription that late usage may still change, by period. */
  readonly recent: readonly InvoiceDocument[];
}

/**
 * An invoice looks back at invoiced periods that ended this long before its own began. Usage is accepted up to 35 days late, so by
 * the invoice of the first period that begins later than that, everything about the old one is known and settled.
 */
export const LATE_USAGE_MS = 40 * 86_400_000;

/** Whether the invoice of `period` settles late usage of the `earlier` one, of the same subscription. */
export function looksBackAt(earlier: Pick<StoredInvoice, 'periodToMs'>, period: Pick<BillingPeriod, 'fromMs'>): boolean {
  return earlier.periodToMs <= period.fromMs && period.fromMs - earlier.periodToMs <= LATE_USAGE_MS;
}

export function parseInvoice({ document }: Pick<StoredInvoice, 'document'>): InvoiceDocument {
  return JSON.parse(document) as InvoiceDocument;
}

/** Drafts for all due periods, rated at `cut`, with what late usage changed about recent ones. */
export async function draftInvoices(
  ports: RatingPorts,
  due: readonly DuePeriod[],
  context: { readonly cut: Cut; readonly nowMs: number; readonly run: string },
  tenant: string,
): Promise<InvoiceDraft[]> {
  const own = due.map(({ account, terms, period }) => ({
    subjects: account.subjects,
    currency: terms.currency,
    rateCards: terms.rateCards,
    period,
  }));
  const recent: PeriodToRate[] = [];
  for (const { account, recent: invoices } of due) {
    for (const invoice of invoices) recent.push(await termsOfInvoice(ports, invoice, account.subjects, tenant));
  }
  const { rated } = await ratePeriods(ports, [...own, ...recent], tenant, context.cut);
  const ratedAgain = rated.slice(own.length).values();

  return due.map(({ account, terms, period, recent: invoices }, index): InvoiceDraft => {
    const lines = rated[index]?.lines ?? [];
    const adjustments = invoices.flatMap((invoice, at) =>
      adjustmentsFor(invoice, ratedAgain.next().value?.lines ?? [], invoices.slice(at + 1)),
    );
    const id = newId('inv', context.nowMs);
    const total = totalOf([...lines, ...adjustments], terms.currency);
    const { key, name, subjects } = account;
    const content = {
      customer: { key, name, subjects },
      subscription: terms.id,
      plan: terms.plan,
      planVersion: terms.planVersion,
      period: { ...periodDocument(period), days: period.days, daysInPeriod: period.daysInPeriod },
      currency: terms.currency,
      lines,
      adjustments,
      total,
      cut: context.cut,
      issuedAt: formatInstant(context.nowMs),
      policy: INVOICE_POLICY,
    };
    return {
      id,
      customer: key,
      subscription: terms.id,
      periodFromMs: period.fromMs,
      periodToMs: period.toMs,
      currency: terms.currency,
      total,
      issuedAtMs: context.nowMs,
      endsAtMs: terms.endsAtMs,
      run: context.run,
      finish: (number) => {
        const document: InvoiceDocument = { id, number, tenant, ...content };
        return { document: JSON.stringify(document), message: invoiceMessage(document) };
      },
    };
  });
}

/** The period and terms of an issued invoice, for rating it again. */
export async function termsOfInvoice(
  ports: RatingPorts,
  invoice: Pick<InvoiceDocument, 'plan' | 'planVersion' | 'currency' | 'period'>,
  subjects: readonly string[],
  tenant: string,
): Promise<PeriodToRate> {
  const { from, to, days, daysInPeriod } = invoice.period;
  return {
    subjects,
    currency: invoice.currency,
    rateCards: await ports.accounts.rateCards(invoice.plan, invoice.planVersion, tenant),
    period: { fromMs: instantMs(from), toMs: instantMs(to), days, daysInPeriod },
  };
}

function instantMs(text: string): number {
  const ms = parseInstantMs(text);
  if (ms === undefined) throw new Error(`an issued invoice holds the instant ${text}`);
  return ms;
}

function periodDocument({ fromMs, toMs }: Pick<BillingPeriod, 'fromMs' | 'toMs'>) {
  return { from: formatInstant(fromMs), to: formatInstant(toMs) };
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
