import { Fault } from '@meterline/domain/faults';
import { totalOf } from '@meterline/domain/invoices';
import { type BillingPeriod, billingPeriodAt } from '@meterline/domain/subscriptions';
import type { Account, Cut, SubscriptionTerms } from '../ports/index.ts';
import { type RatedPeriod, ratePeriods, type RatingPorts } from './rate-periods.ts';

export interface SubscriptionSpend extends RatedPeriod {
  readonly id: string;
  readonly plan: string;
  readonly planVersion: number;
  readonly period: BillingPeriod;
}

/** What a customer's active subscriptions come to in the billing periods that `atMs` lies in. */
export interface CustomerSpend {
  readonly customer: string;
  readonly currency: string;
  readonly asOf: { readonly cut: Cut; readonly atMs: number };
  /** Oldest subscription first. */
  readonly subscriptions: readonly SubscriptionSpend[];
  readonly total: string;
}

export interface SpendRequest {
  readonly account: Account;
  readonly atMs: number;
}

/** Customers whose usage is asked for together. */
const CUSTOMERS_PER_CUT_MAX = 1000;

/** The billing period of a subscription at an instant, in its customer's zone; undefined outside the subscription. */
export function periodAt(terms: SubscriptionTerms, account: Pick<Account, 'timezone'>, atMs: number): BillingPeriod | undefined {
  return billingPeriodAt(
    terms.cadence,
    { startsAtMs: terms.startsAtMs, endsAtMs: terms.endsAtMs, timezone: account.timezone },
    atMs,
  );
}

/** Spend for every request, in order, all at one cut. */
export async function spendAt(ports: RatingPorts, requests: readonly SpendRequest[], tenant: string): Promise<CustomerSpend[]> {
  const active = requests.map(({ account, atMs }) =>
    account.subscriptions.flatMap((terms) => {
      const period = periodAt(terms, account, atMs);
      return period === undefined ? [] : [{ account, terms, period }];
    }),
  );
  const periods = active.flat().map(({ account, terms, period }) => ({
    subjects: account.subjects,
    currency: terms.currency,
    rateCards: terms.rateCards,
    period,
  }));
  const { rated, cut } = await ratePeriods(ports, periods, tenant);

  let next = 0;
  return requests.map(({ account, atMs }, index) => {
    const subscriptions = (active[index] ?? []).map(({ terms, period }): SubscriptionSpend => {
      const charges = rated[next++] ?? { lines: [], total: totalOf([], terms.currency) };
      return { id: terms.id, plan: terms.plan, planVersion: terms.planVersion, period, ...charges };
    });
    const lines = subscriptions.flatMap((subscription) => subscription.lines);
    return {
      customer: account.key,
      currency: account.currency,
      asOf: { cut, atMs },
      subscriptions,
      total: totalOf(lines, account.currency),
    };
  });
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
