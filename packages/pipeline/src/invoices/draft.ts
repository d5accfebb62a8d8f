import { adjustmentsFor, carriedAsKnown, type InvoiceDocument, type InvoicePolicy, takenOver } from '@meterline/domain/invoices';
import type { BillingPeriod, FeeSharing } from '@meterline/domain/subscriptions';
import { parseInstantMs } from '@meterline/domain/time';
import type { InvoiceDraft, StoredInvoice } from '../ports/index.ts';
import { billedPeriod, invoiceGrants } from '../prepaid/index.ts';
import { type CarriedFrom, type PeriodToRate, periodToRate, ratePeriods, type RatingPorts } from '../spend/index.ts';
import { type DraftContext, invoiceDraft } from './invoice-draft.ts';
import { parseInvoice } from './parse-invoice.ts';
import { type PeriodToSettle, settlements } from './settlements.ts';

/** A period that has ended and has no invoice yet. */
export interface DuePeriod extends PeriodToSettle {
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

/** The invoice with its cut as it lies in the log of now: for reading the usage it was rated from. */
export function invoiceOnLog(stored: Pick<StoredInvoice, 'document' | 'movedCut'>): InvoiceDocument {
  const invoice = parseInvoice(stored);
  return stored.movedCut === null ? invoice : { ...invoice, cut: stored.movedCut };
}

/** Drafts for all due periods, rated at the cut, with what late usage and corrected prices changed about recent ones. */
export async function draftInvoices(
  ports: RatingPorts,
  due: readonly DuePeriod[],
  context: DraftContext,
  tenant: string,
): Promise<InvoiceDraft[]> {
  const parties = due.map(({ account, terms }) => ({ customer: account.key, currency: terms.currency }));
  const grants = await invoiceGrants(ports.accounts, parties, tenant);
  const recent: PeriodToRate[] = [];
  const own: PeriodToRate[] = [];
  for (const [draft, { account, terms, period, recent: invoices }] of due.entries()) {
    // Of the same subscription, hence of the same plan version: its prices as known now.
    const known = { ...account, priceRevision: terms.priceRevision };
    // Each period takes over of its allowances what the one before it leaves as known now; the first, what it is known to have taken over.
    let carried: CarriedFrom<PeriodToRate> | undefined;
    for (const [at, invoice] of invoices.entries()) {
      const after = invoices.slice(at + 1);
      const prepaid = grants.drawing(draft, billedPeriod(invoice, after));
      carried ??= { stated: takenOver(carriedAsKnown(invoice, after)) };
      const again = { ...(await termsOfInvoice(ports, invoice, known, tenant)), prepaid, carried };
      recent.push(again);
      carried = { after: again };
    }
    own.push({ ...periodToRate(terms, account, period), prepaid: grants.drawing(draft, null), carried });
  }
  const { rated } = await ratePeriods(ports, [...own, ...recent], tenant, context.cut);
  const ratedAgain = rated.slice(own.length).values();

  return due.map((each, index): InvoiceDraft => {
    const lines = rated[index]?.lines ?? [];
    const again = each.recent.map(() => ratedAgain.next().value);
    const adjustments = each.recent.flatMap((invoice, at) =>
      adjustmentsFor(invoice, again[at]?.lines ?? [], each.recent.slice(at + 1)),
    );
    const drawn = [...again, rated[index]].map((period) => period?.prepaid);
    const prepaid = grants.drafted(index, drawn);
    const commitments = settlements(each, { lines, adjustments });
    const { account, terms, period } = each;
    return invoiceDraft({ kind: 'period', account, terms, period, lines, adjustments, commitments, prepaid }, context, tenant);
  });
}

/** The period and terms of an issued invoice, for rating it again. */
export async function termsOfInvoice(
  ports: RatingPorts,
  invoice: Pick<InvoiceDocument, 'plan' | 'planVersion' | 'currency' | 'period' | 'commitments'> & {
    readonly policy: Pick<InvoicePolicy, 'version'>;
  },
  known: Pick<PeriodToRate, 'subjects' | 'timezone' | 'priceRevision'>,
  tenant: string,
): Promise<PeriodToRate> {
  const { plan, planVersion, currency, commitments, policy } = invoice;
  const { from, to, days, daysInPeriod, index = 0, sharing } = invoice.period;
  const { subjects, timezone, priceRevision } = known;
  return {
    subjects,
    timezone,
    priceRevision,
    plan,
    planVersion,
    currency,
    policy,
    committed: commitments !== undefined,
    rateCards: await ports.accounts.rateCards(plan, planVersion, tenant),
    period: {
      index,
      fromMs: instantMs(from),
      toMs: instantMs(to),
      days,
      daysInPeriod,
      ...(sharing && { sharing: sharingOf(sharing) }),
    },
  };
}

function sharingOf(sharing: NonNullable<InvoiceDocument['period']['sharing']>): FeeSharing {
  if (sharing.by === 'none') return sharing;
  const { from, to, ...rest } = sharing;
  return { ...rest, fromMs: instantMs(from), toMs: instantMs(to) };
}

function instantMs(text: string): number {
  const ms = parseInstantMs(text);
  if (ms === undefined) throw new Error(`an issued invoice holds the instant ${text}`);
  return ms;
}
