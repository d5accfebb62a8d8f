import { earlierDocuments, invoicedWithin, nextThreshold } from '@meterline/domain/invoices';
import type { BillingPeriod } from '@meterline/domain/subscriptions';
import { floorMinute, formatInstant } from '@meterline/domain/time';
import type { InvoiceDraft } from '../ports/index.ts';
import { carriedStates, mayCarryOver, nextPeriod, periodAt, type RatingPorts } from '../spend/index.ts';
import { type BilledStretch, type BilledSubscription, eachStretch } from './billed-subscriptions.ts';
import { withHistory } from './history.ts';
import { type DueInterim, interimContents, invoicedToMs } from './interim-contents.ts';
import type { InterimPorts, InterimRun } from './interims.ts';
import { invoiceDraft } from './invoice-draft.ts';
import { issueUntilCurrent } from './issue-in-turn.ts';

const MINUTE_MS = 60_000;

/**
 * Invoices the usage so far of periods that go on where what is owed for it reaches a level of the plan version that no invoice of the period reached
 * before. What is owed is what the interim invoices of the period ask for together: levels that were passed are told by the documents alone, whichever
 * run issued them, so that each is passed once.
 */
export async function issueAtThresholds(
  ports: InterimPorts,
  subscriptions: readonly BilledSubscription[],
  { run, sealed }: InterimRun,
): Promise<void> {
  const { tenant } = run;
  // The run of a level bills what is known when it comes to it, which may have reached higher ones.
  const atMs = run.threshold === null ? run.atMs : await ports.clock.nowMs(tenant);
  const draftsOf = async (current: readonly BilledSubscription[]): Promise<InvoiceDraft[]> => {
    const open = await openPeriods(ports, current.flatMap(eachStretch), atMs, tenant);
    if (open.length === 0) return [];
    const context = { cut: await sealed(), nowMs: await ports.clock.nowMs(tenant), run: run.id };
    const { contents } = await interimContents(ports, open, tenant, context.cut);
    const reached = contents.filter(({ interim }) => interim.threshold !== undefined);
    return reached.map((content) => invoiceDraft(content, context, tenant));
  };
  for (const each of oneOfEachCustomer(subscriptions)) await issueUntilCurrent(ports, each, draftsOf, tenant);
}

/** Periods that go on at the instant and have a level left to reach: whoever is beyond all of them costs no usage query. */
export async function openPeriods(
  ports: RatingPorts,
  stretches: readonly BilledStretch[],
  atMs: number,
  tenant: string,
): Promise<DueInterim[]> {
  const active = stretches.flatMap(({ account, terms }): ActivePeriod[] => {
    const period = terms.invoiceThresholds === null ? undefined : periodAt(terms, account, atMs);
    return period === undefined ? [] : [{ account, terms, period }];
  });
  if (active.length === 0) return [];
  const waiting = await waitingForInvoice(ports, active, tenant);
  const history = await withHistory(ports.invoices, active.filter((each) => !waiting.has(each)), tenant); // prettier-ignore
  return history.flatMap((each): DueInterim[] => {
    const { terms, period, earlier } = each;
    const { interims } = earlierDocuments(earlier, formatInstant(period.fromMs));
    const isOpen = terms.invoiceThresholds && nextThreshold(terms.invoiceThresholds, invoicedWithin(interims), terms.currency);
    if (!isOpen) return [];
    // Usage is kept by the minute: that of the instant's own is billed with it. Never back behind what is billed.
    const usageToMs = Math.max(floorMinute(atMs) + MINUTE_MS, invoicedToMs(each));
    return [{ ...each, usageToMs: Math.min(usageToMs, period.toMs) }];
  });
}

/** Subscriptions in groups that have none of a customer twice: they draw on its grants, and of those that reach no level nothing is booked. */
export function oneOfEachCustomer<Billed extends { readonly account: { readonly key: string } }>(
  subscriptions: readonly Billed[],
): Billed[][] {
  const own = [...Map.groupBy(subscriptions, ({ account }) => account.key).values()];
  const most = own.reduce((length, each) => Math.max(length, each.length), 0);
  return Array.from({ length: most }, (_, turn) => own.flatMap((each) => each[turn] ?? []));
}

interface ActivePeriod extends BilledStretch {
  readonly period: BillingPeriod;
}

/** Carried units, and what is committed over several periods, go on from one to the next: their levels wait for the invoice of the period before. */
async function waitingForInvoice(
  ports: RatingPorts,
  active: readonly ActivePeriod[],
  tenant: string,
): Promise<ReadonlySet<ActivePeriod>> {
  const isAgreed = ({ terms }: ActivePeriod) => terms.commitment !== null;
  const may = active.filter((each) => isAgreed(each) || mayCarryOver({ ...each.terms, negotiated: each.account.negotiated }));
  if (may.length === 0) return new Set();
  const carried = await carriedStates(ports, new Map(may.map(({ terms, account }) => [terms, account])), tenant);
  const through = await ports.invoices.billedThrough(may.map(({ terms }) => terms.id), tenant); // prettier-ignore
  const isNext = ({ account, terms: { id }, period }: ActivePeriod) => {
    const stretches = account.subscriptions.filter((terms) => terms.id === id);
    return nextPeriod(stretches, account, through.get(id) ?? null)?.period.fromMs === period.fromMs;
  };
  return new Set(may.filter((each) => (isAgreed(each) || carried.has(each.terms)) && !isNext(each)));
}
