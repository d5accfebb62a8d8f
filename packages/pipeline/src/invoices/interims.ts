import { cardsOnInterims, earlierDocuments, heldBack, type InvoiceDocument, takenOff } from '@meterline/domain/invoices';
import { usageInvoicedTo } from '@meterline/domain/subscriptions';
import { formatInstant, parseInstantMs } from '@meterline/domain/time';
import type { Cut, InvoiceDraft, InvoiceRun, InvoiceStore, TenantClock } from '../ports/index.ts';
import { billedBeforeInvoice, invoiceGrants } from '../prepaid/index.ts';
import { carriedStates, periodAt, periodToRate, ratePeriods, type RatingPorts, spanOf } from '../spend/index.ts';
import { type BilledStretch, type BilledSubscription, eachStretch, readAgain } from './billed-subscriptions.ts';
import { countOf, type DuePeriod } from './draft.ts';
import { withHistory } from './history.ts';
import { type DraftContext, invoiceDraft, periodDocument } from './invoice-draft.ts';
import { issueInTurn } from './issue-in-turn.ts';
import { settledWithin } from './settlements.ts';

export interface InterimPorts extends RatingPorts {
  readonly invoices: RatingPorts['invoices'] & Pick<InvoiceStore, 'issue'>;
  readonly clock: TenantClock;
}

/** A period that goes on, of which usage is to be invoiced. */
interface DueInterim extends DuePeriod {
  /** Up to this instant. */
  readonly usageToMs: number;
}

/**
 * Invoices the usage so far of periods that go on at the run's instant, up to the end of the last month (quarter, half-year) by which their plans bill
 * usage, unless that is done. So months that were missed are billed together, once.
 */
export async function issueInterims(
  ports: InterimPorts,
  subscriptions: readonly BilledSubscription[],
  { run, sealed }: { readonly run: InvoiceRun; readonly sealed: () => Promise<Cut> },
): Promise<void> {
  let due = await dueInterims(ports, subscriptions, run);
  while (due.length > 0) {
    const context = { cut: await sealed(), nowMs: await ports.clock.nowMs(run.tenant), run: run.id };
    const drafts = await draftInterims(ports, due, context, run.tenant);
    const outcomes = await issueInTurn(ports.invoices, drafts, run.tenant);
    const stale = new Set(drafts.flatMap(({ subscription }, index) => (outcomes[index] === 'stale' ? subscription : [])));
    const behind = subscriptions.filter(({ subscription }) => stale.has(subscription));
    due = behind.length === 0 ? [] : await dueInterims(ports, await readAgain(ports, behind, run.tenant), run);
  }
}

async function dueInterims(
  ports: InterimPorts,
  subscriptions: readonly BilledSubscription[],
  { atMs, tenant }: InvoiceRun,
): Promise<DueInterim[]> {
  const parts = new Map<BilledStretch['terms'], number>();
  const now = subscriptions.flatMap(eachStretch).flatMap(({ account, terms }) => {
    const period = periodAt(terms, account, atMs);
    const usageToMs = usageInvoicedTo(terms.cadence, spanOf(terms, account), atMs);
    if (period === undefined || usageToMs === undefined) return [];
    parts.set(terms, usageToMs);
    return [{ account, terms, period }];
  });
  if (now.length === 0) return [];
  return (await withHistory(ports.invoices, now, tenant)).flatMap((each) => {
    const usageToMs = parts.get(each.terms);
    return usageToMs === undefined || usageToMs <= invoicedToMs(each) ? [] : [{ ...each, usageToMs }];
  });
}

/** The instant up to which the usage of the period is on interim invoices. */
function invoicedToMs({ period, earlier }: DuePeriod): number {
  const last = earlierDocuments(earlier, formatInstant(period.fromMs)).interims.at(-1);
  return parseInstantMs(last?.interim?.usageTo ?? '') ?? period.fromMs;
}

/** Cumulative, less what was billed of the period before: so that all documents of a period come to what its invoice alone would. */
async function draftInterims(
  ports: InterimPorts,
  due: readonly DueInterim[],
  context: DraftContext,
  tenant: string,
): Promise<InvoiceDraft[]> {
  const parties = due.map(({ account, terms }) => ({ customer: account.key, currency: terms.currency }));
  const grants = await invoiceGrants(ports.accounts, parties, tenant);
  const carried = await carriedStates(ports, new Map(due.map(({ terms, account }) => [terms, account])), tenant);
  const billing = due.map((each, index) => {
    const { account, terms, period, usageToMs } = each;
    const documents = earlierDocuments(each.earlier, periodDocument(period).from);
    const left = carried.get(terms);
    const toRate = {
      ...periodToRate(terms, account, period),
      rateCards: cardsOnInterims(terms.rateCards),
      changeFees: [],
      usageToMs,
      ...(left?.billedThroughMs === period.fromMs && { carried: { stated: left.stated } }),
      prepaid: grants.drawing(index, billedBeforeInvoice(documents, { keepsUnused: false })),
    };
    return { ...each, documents, toRate };
  });
  const { rated } = await ratePeriods(ports, billing.map(({ toRate }) => toRate), tenant, context.cut); // prettier-ignore
  return billing.map(({ documents, toRate: _toRate, usageToMs, ...each }, index) => {
    const { account, terms, period } = each;
    const { currency } = terms;
    const lines = rated[index]?.lines ?? [];
    const off = takenOff(lines, documents, { kind: 'interim', keepsUnused: false, currency });
    const held = heldBack(lines, [...(off.billedInAdvance ?? []), ...(off.billedOnInterims ?? [])], currency);
    const interim: InvoiceDocument['interim'] = {
      part: documents.interims.length + 1,
      usageTo: formatInstant(usageToMs),
      heldBack: held,
    };
    const charges = { kind: 'interim', lines, ...off, adjustments: [], interim } as const;
    const commitments = settledWithin(each, charges);
    const prepaid = grants.drafted(index, [rated[index]?.prepaid]);
    const content = { ...charges, account, terms, period, commitments, prepaid, earlier: countOf(documents) };
    return invoiceDraft(content, context, tenant);
  });
}
