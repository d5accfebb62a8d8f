import type { CommitmentSettlement } from '@meterline/domain/commitments';
import { Fault } from '@meterline/domain/faults';
import {
  type BilledInAdvance,
  charged,
  type EarlierDocuments,
  feesBilled,
  INVOICE_POLICY,
  invoicedWithin,
  type InvoiceLine,
  nextThreshold,
  type StatedPhase,
  totalDue,
  totalOf,
} from '@meterline/domain/invoices';
import { decimal, formatMoney, subtract } from '@meterline/domain/money';
import type { BillingPeriod } from '@meterline/domain/subscriptions';
import type { Account, Cut, SubscriptionTerms } from '../ports/index.ts';
import { spendGrants, type SpendPrepaid } from '../prepaid/index.ts';
import { drawingBehind, earlierOfUnbilled } from './billed-before.ts';
import { carriedStates } from './carried-states.ts';
import { chained, endedPeriods, underOneVersion } from './ended-periods.ts';
import { liveSettlement, type OpenTerm, openTerms } from './open-terms.ts';
import type { PeriodToRate } from './period-to-rate.ts';
import { ratePeriods, type RatingPorts } from './rate-periods.ts';
import { periodAt } from './span.ts';

export interface SubscriptionSpend {
  readonly id: string;
  readonly plan: string;
  readonly planVersion: number;
  readonly phase: StatedPhase | null;
  readonly period: BillingPeriod;
  readonly lines: readonly InvoiceLine[];
  /** What of them was invoiced when the period began, less what was given back. */
  readonly billedInAdvance: readonly BilledInAdvance[];
  /** Interim invoices of the period so far. */
  readonly interims: readonly InterimInSpend[];
  /** The next level of the plan version at which there will be one; money. Null without one. */
  readonly nextThreshold: string | null;
  /** What a minimum or maximum that was agreed on adds; null without one. */
  readonly commitment: CommitmentSettlement | null;
  /** Sum of the rounded lines, and of those of the commitment. */
  readonly total: string;
  /** What of the total is on no invoice yet. */
  readonly toInvoice: string;
}

export interface InterimInSpend {
  /** Its number. */
  readonly invoice: string;
  readonly usageTo: string;
  /** What it asked for, before credits. */
  readonly amount: string;
}

/** What a customer's active subscriptions come to in the billing periods that `atMs` lies in. */
export interface CustomerSpend {
  readonly customer: string;
  readonly currency: string;
  readonly asOf: { readonly cut: Cut; readonly atMs: number };
  /** Oldest subscription first. */
  readonly subscriptions: readonly SubscriptionSpend[];
  /** What packs leave to be priced, before credits pay for it. */
  readonly total: string;
  /** Null for a customer that never had a grant. */
  readonly prepaid: SpendPrepaid | null;
}

export interface SpendRequest {
  readonly account: Account;
  readonly atMs: number;
}

/** Customers whose usage is asked for together. */
const CUSTOMERS_PER_CUT_MAX = 1000;

/** What rating a period of a subscription needs to know of it, at the prices known when its terms were read. */
export function periodToRate(terms: SubscriptionTerms, account: Account, period: PeriodToRate['period']): PeriodToRate {
  const { plan, planVersion, phase, priceRevision, currency, rateCards, quantities, changeFees } = terms;
  return {
    subjects: account.subjects,
    timezone: account.timezone,
    plan,
    planVersion,
    phase,
    priceRevision,
    negotiated: account.negotiated,
    currency,
    policy: INVOICE_POLICY,
    committed: terms.commitment !== null,
    rateCards,
    quantities,
    changeFees: changeFees.filter(({ atMs }) => atMs >= period.fromMs && atMs < period.toMs),
    period,
  };
}

/** Spend for every request, in order, all at one cut. */
export async function spendAt(ports: RatingPorts, requests: readonly SpendRequest[], tenant: string): Promise<CustomerSpend[]> {
  const grants = await spendGrants(ports.accounts, requests, periodAt, tenant);
  const active = requests.flatMap((request) =>
    request.account.subscriptions.flatMap((terms) => {
      const { account } = request;
      const period = periodAt(terms, account, request.atMs);
      return period === undefined ? [] : [{ request, account, terms, period, prepaid: grants.drawing(request) }];
    }),
  );
  const open = await openTerms(ports.invoices, active, tenant);
  const subscriptions = new Map(
    [...active, ...grants.unbilled].flatMap((each) => underOneVersion(each).map((terms) => [terms, each.account] as const)),
  );
  const carried = await carriedStates(ports, subscriptions, tenant);
  const ended = endedPeriods(grants.unbilled, active, open, carried);
  const earlierOf = await earlierOfUnbilled(ports.invoices, [...active, ...ended], tenant);
  const periods = chained([...active, ...ended], carried, (each) => ({
    ...periodToRate(each.terms, each.account, each.period),
    prepaid: drawingBehind(each.prepaid, earlierOf(each)),
  }));
  const { rated, cut } = await ratePeriods(ports, periods, tenant);

  const ratedEnded = ended.map((each, index) => ({ ...each, lines: rated[active.length + index]?.lines ?? [] }));
  const spends = active.map(({ request, account, terms, period }, index) => {
    const { lines = [], prepaid } = rated[index] ?? {};
    const term = open[index];
    const before = ratedEnded.filter((each) => each.request === request && each.terms === terms && isOf(term, each));
    const commitment = term === undefined ? null : liveSettlement(term, { account, terms }, before, { period, lines });
    const { id, plan, planVersion, currency } = terms;
    const phase = terms.phase && { key: terms.phase.key, name: terms.phase.name };
    const total = totalDue({ lines, adjustments: [], commitments: commitment === null ? [] : [commitment] }, currency);
    const earlier = earlierOf({ terms, period });
    const invoiced = { ...invoicedOf(earlier), nextThreshold: levelAhead(terms, earlier) };
    const toInvoice = less(total, [...invoiced.billedInAdvance, ...invoiced.interims], currency);
    return {
      request,
      prepaid,
      spend: { id, plan, planVersion, phase, period, lines, ...invoiced, commitment, total, toInvoice },
    };
  });
  const byRequest = Map.groupBy(spends, ({ request }) => request);
  return requests.map((request) => {
    const { account, atMs } = request;
    const own = byRequest.get(request) ?? [];
    const subscriptions = own.map(({ spend }): SubscriptionSpend => spend);
    const total = totalOf(
      subscriptions.map((subscription) => ({ amount: subscription.total })),
      account.currency,
    );
    const drawn = own.map((each) => each.prepaid);
    const toInvoice = totalOf(
      subscriptions.map((subscription) => ({ amount: subscription.toInvoice })),
      account.currency,
    );
    const prepaid = grants.summary(request, toInvoice, drawn);
    return { customer: account.key, currency: account.currency, asOf: { cut, atMs }, subscriptions, total, prepaid };
  });
}

function levelAhead({ invoiceThresholds, currency }: SubscriptionTerms, { interims }: EarlierDocuments): string | null {
  return (invoiceThresholds && nextThreshold(invoiceThresholds, invoicedWithin(interims), currency)) ?? null;
}

function invoicedOf({ fees, interims }: EarlierDocuments): Pick<SubscriptionSpend, 'billedInAdvance' | 'interims'> {
  return {
    billedInAdvance: fees === undefined ? [] : feesBilled(fees),
    interims: interims.map((invoice) => ({
      invoice: invoice.number,
      usageTo: invoice.interim?.usageTo ?? '',
      amount: charged(invoice),
    })),
  };
}

function less(total: string, invoiced: readonly { readonly amount: string }[], currency: string): string {
  return formatMoney(subtract(decimal(total), decimal(totalOf(invoiced, currency))), currency);
}

function isOf(term: OpenTerm | undefined, { period }: { readonly period: BillingPeriod }): boolean {
  return term?.unbilled.some(({ fromMs }) => fromMs === period.fromMs) ?? false;
}

/** Live spend of one customer. Fails with `customer.unknown`. */
export async function spendOf(ports: RatingPorts, customer: string, atMs: number, tenant: string): Promise<CustomerSpend> {
  const [spend] = await spendOfMany(ports, [customer], atMs, tenant);
  if (spend === undefined) throw new Fault('not_found', 'customer.unknown', `there is no customer ${customer}`);
  return spend;
}

/** Live spend of many customers (unknown keys are left out), for a handful of usage queries each thousand. */
export async function spendOfMany(
  ports: RatingPorts,
  customers: readonly string[],
  atMs: number,
  tenant: string,
): Promise<CustomerSpend[]> {
  const spends: CustomerSpend[] = [];
  for (let from = 0; from < customers.length; from += CUSTOMERS_PER_CUT_MAX) {
    const accounts = await ports.accounts.accounts(customers.slice(from, from + CUSTOMERS_PER_CUT_MAX), tenant);
    spends.push(
      ...(await spendAt(
        ports,
        accounts.map((account) => ({ account, atMs })),
        tenant,
      )),
    );
  }
  return spends;
}
