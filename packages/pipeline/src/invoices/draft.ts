import {
  adjustmentsFor,
  cardsOnInterims,
  carriedAsKnown,
  type EarlierDocuments,
  earlierDocuments,
  type InvoiceDocument,
  type InvoicePolicy,
  isCutShort,
  sharingOf,
  takenOff,
  takenOver,
} from '@meterline/domain/invoices';
import { cardsInAdvance, type RateCard } from '@meterline/domain/prices';
import type { BillingPeriod } from '@meterline/domain/subscriptions';
import { parseInstantMs } from '@meterline/domain/time';
import type { Account, InvoiceDraft, StoredInvoice, SubscriptionTerms } from '../ports/index.ts';
import { billedBeforeInvoice, billedPeriod, invoiceGrants } from '../prepaid/index.ts';
import { carriedAfter, type PeriodToRate, periodToRate, ratePeriods, type RatingPorts } from '../spend/index.ts';
import { type DraftContext, invoiceDraft, periodDocument } from './invoice-draft.ts';
import { parseInvoice } from './parse-invoice.ts';
import { type PeriodToSettle, settlements } from './settlements.ts';

/** A period that has ended and has no invoice yet. */
export interface DuePeriod extends PeriodToSettle {
  /** Earlier invoices of the subscription that late usage may still change, by period. */
  readonly recent: readonly InvoiceDocument[];
  /** What billed this period and recent ones before their invoice. */
  readonly earlier: readonly InvoiceDocument[];
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
  const before = due.map(({ terms, period, earlier }) => {
    const stated = periodDocument(period);
    const documents = earlierDocuments(earlier, stated.from);
    const { fees } = documents;
    // Of a plan that was left on the day it came nothing was used, and nothing is kept.
    const isOwn = fees !== undefined && fees.fee.plan === terms.plan && fees.fee.planVersion === terms.planVersion;
    return { documents, keepsUnused: terms.unusedTime === 'none' && isOwn && isCutShort(fees.fee.period, stated) };
  });
  // By subscription: a later period that is drafted in the same call takes over from it.
  const latest = new Map<string, PeriodToRate>();
  for (const [draft, { account, terms, period, recent: invoices, earlier }] of due.entries()) {
    // Each period takes over of its allowances what the one before it leaves as known now; the first, what it is known to have taken over.
    let last: PeriodToRate | undefined;
    for (const [at, invoice] of invoices.entries()) {
      const after = invoices.slice(at + 1);
      // At the prices of its plan version as known now.
      const known = { ...account, priceRevision: termsBehind(invoice, account, terms).priceRevision };
      const prepaid = grants.drawing(draft, billedPeriod(invoice, after, earlierDocuments(earlier, invoice.period.from)));
      const again = { ...(await termsOfInvoice(ports, invoice, known, tenant)), prepaid };
      const carried = last ? carriedAfter(last, again) : { stated: takenOver(carriedAsKnown(invoice, after)) };
      last = { ...again, carried };
      recent.push(last);
    }
    const billed = before[draft];
    const prepaid = grants.drawing(draft, billed ? billedBeforeInvoice(billed.documents, billed) : null);
    const now = { ...periodToRate(terms, account, period), prepaid };
    const previous = latest.get(terms.id) ?? last;
    const charged = { ...now, carried: previous && carriedAfter(previous, now) };
    own.push(charged);
    latest.set(terms.id, charged);
  }
  const { rated } = await ratePeriods(ports, [...own, ...recent], tenant, context.cut);
  const ratedAgain = rated.slice(own.length).values();

  const drafted = new Map<string, InvoiceDocument[]>();
  const isLast = ({ terms: { id } }: DuePeriod, index: number) => !due.slice(index + 1).some(({ terms }) => terms.id === id);
  return due.map((each, index): InvoiceDraft => {
    const lines = rated[index]?.lines ?? [];
    const again = each.recent.map(() => ratedAgain.next().value);
    const adjustments = each.recent.flatMap((invoice, at) =>
      adjustmentsFor(invoice, again[at]?.lines ?? [], each.recent.slice(at + 1)).map((adjustment) => ({
        ...adjustment,
        ...otherRevision(invoice, each),
      })),
    );
    const drawn = [...again, rated[index]].map((period) => period?.prepaid);
    const prepaid = grants.drafted(index, drawn);
    const { account, terms, period } = each;
    // Drafted together, a subscription's earlier periods count as invoiced for its later ones.
    const together = drafted.get(terms.id) ?? [];
    const commitments = settlements({ ...each, issued: [...each.issued, ...together] }, { lines, adjustments });
    const { documents = NOTHING_BEFORE, keepsUnused = false } = before[index] ?? {};
    const billed = takenOff(lines, documents, { kind: undefined, keepsUnused, currency: terms.currency });
    const charges = { lines, ...billed, adjustments, commitments, prepaid, earlier: countOf(documents) };
    const draft = invoiceDraft({ kind: 'period', account, terms, period, ...charges }, context, tenant);
    if (!isLast(each, index)) drafted.set(terms.id, [...together, parseInvoice(draft.finish('', null))]);
    return draft;
  });
}

const NOTHING_BEFORE: EarlierDocuments = { fees: undefined, interims: [] };

/** How many documents of its period a draft knows of. */
export function countOf({ fees, interims }: EarlierDocuments): NonNullable<InvoiceDraft['earlier']> {
  return { fees: fees?.count ?? 0, interims: interims.length };
}

/** The terms of the subscription that an invoice of it was issued under. */
function termsBehind(invoice: InvoiceDocument, account: Account, now: SubscriptionTerms): SubscriptionTerms {
  const isBehind = ({ id, plan, planVersion }: SubscriptionTerms) =>
    id === invoice.subscription && plan === invoice.plan && planVersion === invoice.planVersion;
  return isBehind(now) ? now : (account.subscriptions.find(isBehind) ?? now);
}

function otherRevision(invoice: InvoiceDocument, { account, terms }: DuePeriod): { priceRevision?: number } {
  const behind = termsBehind(invoice, account, terms);
  return behind.plan === terms.plan && behind.planVersion === terms.planVersion ? {} : { priceRevision: behind.priceRevision };
}

/** The period and terms of an issued invoice, for rating it again; with the rate cards that its kind bills. */
export async function termsOfInvoice(
  ports: RatingPorts,
  invoice: Pick<
    InvoiceDocument,
    'kind' | 'plan' | 'planVersion' | 'phase' | 'currency' | 'period' | 'commitments' | 'quantities' | 'changeFees' | 'interim'
  > & { readonly policy: Pick<InvoicePolicy, 'version'> },
  known: Pick<PeriodToRate, 'subjects' | 'timezone' | 'priceRevision' | 'negotiated'>,
  tenant: string,
): Promise<PeriodToRate> {
  const { kind, plan, planVersion, currency, policy, commitments, quantities = [], changeFees, interim } = invoice;
  const { from, to, days, daysInPeriod, index = 0 } = invoice.period;
  const { subjects, timezone, priceRevision, negotiated } = known;
  const { rateCards, phase } = await ports.accounts.pricesOf({ plan, version: planVersion }, invoice.phase?.key ?? null, tenant);
  const sharing = sharingOf(invoice.period);
  return {
    subjects,
    timezone,
    priceRevision,
    negotiated,
    plan,
    planVersion,
    phase,
    currency,
    policy,
    // An invoice may also settle what an earlier plan had agreed on; fees of a committed subscription settle nothing.
    committed: commitments?.length === 0 || commitments?.some(({ term }) => term.from <= from && to <= term.to) === true,
    quantities: quantities.map(({ from: holdsFrom, of }) => ({ fromMs: instantMs(holdsFrom), of })),
    changeFees,
    rateCards: cardsOf(kind, rateCards),
    ...(interim && { usageToMs: instantMs(interim.usageTo) }),
    period: {
      index,
      fromMs: instantMs(from),
      toMs: instantMs(to),
      days,
      daysInPeriod,
      ...(sharing && { sharing }),
    },
  };
}

function cardsOf(kind: InvoiceDocument['kind'], rateCards: readonly RateCard[]): readonly RateCard[] {
  if (kind === 'interim') return cardsOnInterims(rateCards);
  return kind === 'fee' || kind === 'credit_note' ? cardsInAdvance(rateCards) : rateCards;
}

function instantMs(text: string): number {
  const ms = parseInstantMs(text);
  if (ms === undefined) throw new Error(`an issued invoice holds the instant ${text}`);
  return ms;
}
