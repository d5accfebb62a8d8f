import { currencyExponent, decimal, formatMoney } from '../money/index.ts';
import { totalOf } from '../invoices/index.ts';
import * as ratio from '../money/ratio.ts';
import type { Commitment } from '../commitments/index.ts';
import type { BillingCadence } from '../subscriptions/index.ts';
import { type Allowance, type AllowanceUse, allowanceUse, sharedAllowanceUse } from './allowances.ts';
import type { BillingMonth } from './billing-months.ts';
import { committedTotals } from './committed.ts';
import { type OtherCadence, periodsIn, sharedTotals } from './period-share.ts';
import { whole } from './percent.ts';

/** The terms of a plan version that real usage was rated by. */
interface RatedTerms {
  readonly plan: string;
  readonly name: string;
  readonly planVersion: number;
  /** How often it bills. */
  readonly every: BillingCadence['every'];
  /** The customer's own subscription that has these terms. */
  readonly subscription: string | null;
  /** Whether a new subscription would get these terms. */
  readonly isOffered: boolean;
  /** Keys of the meters that its rate cards price, each once. */
  readonly meters: readonly string[];
  readonly allowances: readonly Allowance[];
  readonly commitment: Commitment | null;
}

/** Rated month by month, as they were used and with twice the usage. Amounts are sums of lines, round as on an invoice. */
export interface RatedByMonth extends RatedTerms {
  readonly every: 'month';
  /** `used` of each allowance, and `carried` into the month, in their order. */
  readonly months: readonly {
    readonly total: string;
    readonly doubledTotal: string;
    readonly used: readonly string[];
    readonly carried: readonly string[];
  }[];
}

/**
 * A whole period that goes on like the months, as they were used and with twice the usage. Of each allowance what is `used`, and whether its meter
 * `grows` with time.
 */
export interface RatedByPeriod extends RatedTerms {
  readonly every: OtherCadence;
  readonly period: { readonly total: string; readonly doubledTotal: string; readonly used: readonly string[] };
  readonly grows: readonly boolean[];
  readonly months: readonly { readonly used: readonly string[] }[];
}

export type RatedPlan = RatedByMonth | RatedByPeriod;

/** Amounts with the currency's digits. Of a plan that bills by another period than a month: its share of the months. */
export interface PlanCosts extends Omit<RatedTerms, 'allowances' | 'commitment'> {
  readonly months: readonly string[];
  readonly total: string;
  readonly average: string;
  readonly doubledTotal: string;
  readonly doubledAverage: string;
  readonly allowances: readonly AllowanceUse[];
}

interface Compared {
  readonly totals: readonly string[];
  readonly doubled: readonly string[];
  readonly allowances: readonly AllowanceUse[];
}

/** What the plan costs in each month, altogether and in the average month, and how its allowances were used. */
export function planCosts(rated: RatedPlan, billing: readonly BillingMonth[], currency: string): PlanCosts {
  const { totals, doubled, allowances } = compared(rated, billing, currency);
  const total = sum(totals, currency);
  const doubledTotal = sum(doubled, currency);
  const { plan, name, planVersion, every, subscription, isOffered, meters } = rated;
  return {
    ...{ plan, name, planVersion, every, subscription, isOffered, meters },
    months: totals,
    total,
    average: average(total, billing.length, currency),
    doubledTotal,
    doubledAverage: average(doubledTotal, billing.length, currency),
    allowances,
  };
}

function compared(rated: RatedPlan, billing: readonly BillingMonth[], currency: string): Compared {
  if (billing.length === 0) return { totals: [], doubled: [], allowances: [] };
  return rated.every === 'month' ? comparedByMonth(rated, billing, currency) : comparedByPeriod(rated, billing, currency);
}

function comparedByMonth(rated: RatedByMonth, billing: readonly BillingMonth[], currency: string): Compared {
  const { months, allowances, commitment } = rated;
  const committed = (totals: readonly string[]) => committedTotals(totals, { commitment, currency, months: billing });
  return {
    totals: committed(months.map((month) => month.total)),
    doubled: committed(months.map((month) => month.doubledTotal)),
    allowances: allowances.map((allowance, index) =>
      allowanceUse(
        allowance,
        months.map(({ used }) => used[index] ?? '0'),
        months.map(({ carried }) => carried[index] ?? '0'),
      ),
    ),
  };
}

function comparedByPeriod(rated: RatedByPeriod, billing: readonly BillingMonth[], currency: string): Compared {
  const { period, months, allowances, grows, commitment, every } = rated;
  const shared = (total: string) => sharedTotals(total, { every, commitment, currency, months: billing });
  return {
    totals: shared(period.total),
    doubled: shared(period.doubledTotal),
    allowances: allowances.map((allowance, index) =>
      sharedAllowanceUse(allowance, period.used[index] ?? '0', {
        used: months.map(({ used }) => used[index] ?? '0'),
        periods: grows[index] === true ? periodsIn(billing, every) : null,
      }),
    ),
  };
}

function sum(amounts: readonly string[], currency: string): string {
  return totalOf(
    amounts.map((amount) => ({ amount })),
    currency,
  );
}

function average(total: string, months: number, currency: string): string {
  const mean = ratio.divide(ratio.of(decimal(total)), whole(BigInt(Math.max(months, 1))));
  return formatMoney(ratio.round(mean, currencyExponent(currency)), currency);
}
