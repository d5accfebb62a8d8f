import {
  adjustmentsFor,
  creditNoteLines,
  creditNoteNumber,
  type InvoiceDocument,
  totalDue,
  type UnusedTime,
} from '@meterline/domain/invoices';
import { compare, decimal, formatMoney, negate, ZERO } from '@meterline/domain/money';
import type { Grant } from '@meterline/domain/prepaid';
import { cardsInAdvance } from '@meterline/domain/prices';
import { parseInstantMs, startOfLocalDay } from '@meterline/domain/time';
import { newId } from '../ids/index.ts';
import type { InvoiceDraft, SubscriptionTerms } from '../ports/index.ts';
import { billedPeriod, invoiceGrants } from '../prepaid/index.ts';
import { periodAt, type PeriodToRate, ratePeriods } from '../spend/index.ts';
import { type BilledStretch, type BilledSubscription, eachStretch, readAgain } from './billed-subscriptions.ts';
import { termsOfInvoice } from './draft.ts';
import { type BillingRun, type BillingPorts, noUsage } from './fees.ts';
import { type CreditNoteContent, invoiceDraft, periodDocument } from './invoice-draft.ts';
import { parseInvoice } from './parse-invoice.ts';

/**
 * Gives back what subscriptions paid in advance for time after the end of their terms, which came by the run's instant, each by a credit note: what was
 * billed less what is due for the time that was used. Whatever no credit note gives back is settled by the invoice of the period.
 */
export async function issueCreditNotes(
  ports: BillingPorts,
  subscriptions: readonly BilledSubscription[],
  run: BillingRun,
): Promise<void> {
  for (const each of subscriptions) {
    let subscription: BilledSubscription | undefined = each;
    while (subscription !== undefined) {
      let isStale = false;
      for await (const draft of draftCreditNotes(ports, subscription, run))
        isStale = (await ports.invoices.issue(draft, run.tenant)) === 'stale' || isStale;
      subscription = isStale ? (await readAgain(ports, [subscription], run.tenant))[0] : undefined;
    }
  }
}

/** The credit notes that are due at the run's instant and not issued yet, each drafted when what came of the one before is known. */
async function* draftCreditNotes(
  ports: BillingPorts,
  subscription: BilledSubscription,
  run: BillingRun,
): AsyncGenerator<InvoiceDraft> {
  for (const each of await feesToGiveBack(ports, subscription, run)) {
    const draft = await draftCreditNote(ports, each, run);
    if (draft !== undefined) yield draft;
  }
}

interface FeeToGiveBack {
  readonly stretch: BilledStretch;
  readonly fee: InvoiceDocument;
  /** The plan was left on the day it came: nothing was ever billed under it. */
  readonly isTakenBack: boolean;
  /** How many fee invoices and credit notes its period has. */
  readonly known: number;
}

/** Fee invoices that reach beyond the end of what they were issued under, or whose plan was taken back altogether, and that nothing has settled yet. */
async function feesToGiveBack(
  ports: BillingPorts,
  subscription: BilledSubscription,
  { atMs, tenant }: BillingRun,
): Promise<FeeToGiveBack[]> {
  const over = eachStretch(subscription).filter(({ terms }) => {
    const { endsAtMs, unusedTime, commitment, rateCards } = terms;
    const hasEnded = (endsAtMs !== null && endsAtMs <= atMs) || (terms.untilMs !== null && terms.untilMs <= atMs);
    // What was drawn from a minimum paid in advance goes back to it, with the invoice of the period.
    const isGivenBack = unusedTime !== 'none' && commitment?.trueUp !== 'in_advance' && cardsInAdvance(rateCards).length > 0;
    return hasEnded && isGivenBack;
  });
  const ends = over.flatMap(({ terms }) => [terms.endsAtMs, terms.untilMs].filter((end) => end !== null));
  const wasChanged = subscription.stretches.filter(({ subscriptionVersion }) => subscriptionVersion > 1);
  ends.push(...wasChanged.map(({ startsAtMs }) => subscription.billedThroughMs ?? startsAtMs));
  if (ends.length === 0) return [];
  const issued = await ports.invoices.issuedSince([subscription.subscription], Math.min(...ends), tenant);
  const invoiced = new Set(issued.filter(({ kind }) => kind === 'period').map(({ periodFromMs }) => periodFromMs));
  const inAdvance = issued
    .filter(({ kind, periodFromMs }) => (kind === 'fee' || kind === 'credit_note') && !invoiced.has(periodFromMs))
    .map(parseInvoice);
  const givenBack = new Set(inAdvance.map(({ creditNote }) => creditNote?.invoice));
  const toGiveBack: FeeToGiveBack[] = [];
  for (const fee of inAdvance.filter(({ kind, number }) => kind === 'fee' && !givenBack.has(number))) {
    const known = inAdvance.filter(({ period }) => period.from === fee.period.from).length;
    const stretch = issuedUnder(fee, subscription);
    if (stretch === undefined) {
      const instead = await takenBack(ports, fee, subscription, tenant);
      if (instead !== undefined) toGiveBack.push({ stretch: instead, fee, isTakenBack: true, known });
    } else if (over.some(({ terms }) => terms === stretch.terms)) toGiveBack.push({ stretch, fee, isTakenBack: false, known });
  }
  return toGiveBack;
}

/** All of it is to be paid back. */
async function takenBack(
  { accounts }: BillingPorts,
  fee: InvoiceDocument,
  subscription: BilledSubscription,
  tenant: string,
): Promise<BilledStretch | undefined> {
  const [instead] = eachStretch(subscription).toReversed();
  if (instead === undefined) return undefined;
  const { plan, planVersion } = fee;
  const { phase, priceRevision } = await accounts.pricesOf({ plan, version: planVersion }, fee.phase?.key ?? null, tenant);
  const { startsAtMs } = instead.terms;
  const unlike = { plan, planVersion, phase, priceRevision, unusedTime: 'refund', untilMs: startsAtMs } as const;
  return { ...instead, terms: { ...instead.terms, ...unlike } };
}

/** What a fee was issued under. A plan that was left since may have ended before the fee's period began: then the last days under it count. */
function issuedUnder(fee: InvoiceDocument, subscription: BilledSubscription): BilledStretch | undefined {
  const fromMs = parseInstantMs(fee.period.from) ?? NaN;
  return eachStretch(subscription).findLast(
    ({ account, terms }) =>
      terms.plan === fee.plan &&
      terms.planVersion === fee.planVersion &&
      terms.phase?.key === fee.phase?.key &&
      startOfLocalDay(terms.startsAtMs, account.timezone) <= fromMs &&
      periodAt(terms, account, terms.startsAtMs) !== undefined,
  );
}

/** Undefined where nothing is to be given back. */
async function draftCreditNote(
  ports: BillingPorts,
  { stretch: { account, terms }, fee, isTakenBack, known }: FeeToGiveBack,
  run: BillingRun,
): Promise<InvoiceDraft | undefined> {
  const grants = await invoiceGrants(ports.accounts, [{ customer: account.key, currency: terms.currency }], run.tenant);
  const billed = await termsOfInvoice(ports, fee, { ...account, priceRevision: terms.priceRevision }, run.tenant);
  const used = (isTakenBack ? undefined : periodAt(terms, account, billed.period.fromMs)) ?? unused(billed.period);
  const cut = noUsage(ports);
  const prepaid = grants.drawing(0, billedPeriod(fee, [], null));
  const { rated } = await ratePeriods(ports, [{ ...billed, period: used, prepaid }], run.tenant, cut);
  const adjustments = adjustmentsFor({ ...fee, period: periodDocument(used) }, rated[0]?.lines ?? [], []);
  const drafted = grants.drafted(0, [rated[0]?.prepaid]);
  const stated = drafted !== null && { prepaid: drafted.statement };
  const amount = negate(decimal(totalDue({ lines: [], adjustments, ...stated }, terms.currency)));
  // Credits may have paid all of what is taken back: they have it again before the fees of the plan that came instead.
  if (terms.unusedTime === 'none' || compare(amount, ZERO) < (isTakenBack ? 0 : 1)) return undefined;
  const nowMs = await ports.clock.nowMs(run.tenant);
  const creditNote = noteOf(fee, terms, { treatment: terms.unusedTime, amount: formatMoney(amount, terms.currency) });
  const content = {
    kind: 'credit_note',
    account,
    terms,
    period: billed.period,
    lines: [],
    adjustments,
    commitments: [],
    prepaid: drafted,
    earlier: { fees: known },
    creditNote: { terms: { ...creditNote, lines: creditNoteLines(fee, adjustments) }, grant: grantOf(creditNote) },
  } as const;
  return invoiceDraft(content, { cut, nowMs, run: run.id }, run.tenant);

  /** It pays for whatever of the subscription is not invoiced yet, and for what comes. */
  function grantOf({ grant, amount: given }: Pick<CreditNoteContent['terms'], 'grant' | 'amount'>): Grant | null {
    if (grant === null) return null;
    return {
      id: newId('grant', nowMs),
      key: grant,
      name: `Credit note ${grant}`,
      units: null,
      currency: terms.currency,
      amount: given,
      priority: 0,
      effectiveAtMs: startOfLocalDay(terms.startsAtMs, account.timezone),
      expiresAtMs: null,
      createdAtMs: nowMs,
      // It is the customer's money.
      cost: given,
      carryOver: null,
      carriedFrom: null,
    };
  }
}

function noteOf(
  fee: InvoiceDocument,
  { untilMs }: Pick<SubscriptionTerms, 'untilMs'>,
  { treatment, amount }: { readonly treatment: Exclude<UnusedTime, 'none'>; readonly amount: string },
): Omit<CreditNoteContent['terms'], 'lines'> {
  const grant = treatment === 'credit' ? creditNoteNumber(fee.number) : null;
  const reason = untilMs === null ? 'subscription_ended' : 'subscription_changed';
  return { reason, invoice: fee.number, treatment, amount, grant };
}

/** Nothing of the period is paid for, and what is due once with the first one neither. */
function unused(period: PeriodToRate['period']): PeriodToRate['period'] {
  const { fromMs, toMs } = period;
  const secondsInPeriod =
    period.sharing?.by === 'second' ? period.sharing.secondsInPeriod : Math.max(1, Math.floor((toMs - fromMs) / 1000));
  return { ...period, index: (period.index ?? 0) + 1, days: 0, sharing: { by: 'second', fromMs, toMs: fromMs, secondsInPeriod } };
}
