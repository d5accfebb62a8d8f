import { feeDocumentsOf, feeLines, isGivenBackWhole } from '@meterline/domain/invoices';
import { cardsInAdvance } from '@meterline/domain/prices';
import type { BillingPeriod } from '@meterline/domain/subscriptions';
import { formatInstant } from '@meterline/domain/time';
import type { Cut, EventLog, InvoiceDraft, InvoiceRun, InvoiceStore, TenantClock } from '../ports/index.ts';
import { invoiceGrants } from '../prepaid/index.ts';
import { periodAt, periodToRate, ratePeriods, type RatingPorts } from '../spend/index.ts';
import { type BilledStretch, type BilledSubscription, eachStretch } from './billed-subscriptions.ts';
import { drawnInAdvance } from './drawn-in-advance.ts';
import { invoiceDraft } from './invoice-draft.ts';
import { issueUntilCurrent } from './issue-in-turn.ts';
import { parseInvoice } from './parse-invoice.ts';

export interface BillingPorts extends RatingPorts {
  readonly log: Pick<EventLog, 'partitionCount'>;
  readonly clock: TenantClock;
  readonly invoices: RatingPorts['invoices'] & Pick<InvoiceStore, 'issue'>;
}

/** The run that bills, and the instant for which it does. */
export type BillingRun = Pick<InvoiceRun, 'id' | 'atMs' | 'tenant' | 'threshold'>;

interface BegunPeriod extends BilledStretch {
  readonly period: BillingPeriod;
}

interface DueFees extends BegunPeriod {
  /** Fee invoices of the period that were given back whole, and their credit notes. */
  readonly before: number;
}

/**
 * Invoices the fees that are due in advance for the period that the run's instant lies in, from no usage at all. A period whose run was missed has them
 * on its own invoice instead: what is due for it less what was billed before.
 */
export async function issueFees(
  ports: BillingPorts,
  subscriptions: readonly BilledSubscription[],
  run: BillingRun,
): Promise<void> {
  await issueUntilCurrent(ports, subscriptions, (current) => draftDueFees(ports, current, run), run.tenant);
}

/** The fee invoices that are due at the run's instant and not issued yet. */
async function draftDueFees(
  ports: BillingPorts,
  subscriptions: readonly BilledSubscription[],
  run: BillingRun,
): Promise<InvoiceDraft[]> {
  const due = await dueFees(ports, subscriptions, run);
  return due.length === 0 ? [] : draftFees(ports, due, run);
}

async function dueFees(ports: BillingPorts, subscriptions: readonly BilledSubscription[], run: BillingRun): Promise<DueFees[]> {
  const begun = subscriptions.flatMap(eachStretch).flatMap((each): BegunPeriod[] => {
    if (cardsInAdvance(each.terms.rateCards).length === 0) return [];
    const period = periodAt(each.terms, each.account, run.atMs);
    return period === undefined ? [] : [{ ...each, period }];
  });
  if (begun.length === 0) return [];
  const ids = begun.map(({ terms }) => terms.id);
  const issued = await ports.invoices.issuedSince(ids, Math.min(...begun.map(({ period }) => period.fromMs)) + 1, run.tenant);
  return begun.flatMap((each): DueFees[] => {
    const { terms, period } = each;
    const own = issued.filter(({ subscription, periodFromMs }) => subscription === terms.id && periodFromMs === period.fromMs);
    const inAdvance = own.filter(({ kind }) => kind === 'fee' || kind === 'credit_note').map(parseInvoice);
    const fees = feeDocumentsOf(inAdvance, formatInstant(period.fromMs));
    const isBilled = own.some(({ kind }) => kind === 'period') || (fees !== undefined && !isGivenBackWhole(fees));
    return isBilled ? [] : [{ ...each, before: fees?.count ?? 0 }];
  });
}

async function draftFees(ports: BillingPorts, due: readonly DueFees[], run: BillingRun): Promise<InvoiceDraft[]> {
  const parties = due.map(({ account, terms }) => ({ customer: account.key, currency: terms.currency }));
  const grants = await invoiceGrants(ports.accounts, parties, run.tenant);
  const cut = noUsage(ports);
  const periods = due.map(({ account, terms, period }, index) => ({
    ...periodToRate(terms, account, period),
    rateCards: cardsInAdvance(terms.rateCards),
    prepaid: grants.drawing(index, null),
  }));
  const { rated } = await ratePeriods(ports, periods, run.tenant, cut);
  const context = { cut, nowMs: await ports.clock.nowMs(run.tenant), run: run.id };
  const drafts: InvoiceDraft[] = [];
  for (const [index, { account, terms, period, before }] of due.entries()) {
    const lines = feeLines(rated[index]?.lines ?? []);
    if (lines.length === 0) continue;
    const charges = { kind: 'fee', lines, adjustments: [] } as const;
    const commitments = await drawnInAdvance(ports, { account, terms, period }, charges, run.tenant);
    const prepaid = grants.drafted(index, [rated[index]?.prepaid]);
    const content = { ...charges, account, terms, period, commitments, prepaid, earlier: { fees: before } };
    drafts.push(invoiceDraft(content, context, run.tenant));
  }
  return drafts;
}

/** The cut below which nothing is. */
export function noUsage({ log }: Pick<BillingPorts, 'log'>): Cut {
  return Array.from({ length: log.partitionCount }, () => 0);
}
