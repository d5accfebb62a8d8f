import { currencyExponent, decimal, formatMoney } from '../money/index.ts';
import { totalOf } from '../invoices/index.ts';
import * as ratio from '../money/ratio.ts';
import type { Commitment } from '../commitments/index.ts';
import { type Allowance, type AllowanceUse, allowanceUse } from './allowances.ts';
import type { BillingMonth } from './billing-months.ts';
import { committedTotals } from './committed.ts';
import { whole } from './percent.ts';

/** The terms of a plan version, rated over months of real usage and over the same months with twice the usage. */
export interface RatedPlan {
  readonly plan: string;
  readonly name: string;
  readonly planVersion: number;
  /** The customer's own subscription that has these terms. */
  readonly subscription: string | null;
  /** Whether a new subscription would get these terms. */
  readonly isOffered: boolean;
  /** Keys of the meters that its rate cards price, each once. */
  readonly meters: readonly string[];
  readonly allowances: readonly Allowance[];
  readonly commitment: Commitment | null;
  /** `used` of each allowance, and `carried` into the month, in their order. Amounts are sums of lines, round as on an invoice. */
  readonly months: readonly {
    readonly total: string;
    readonly doubledTotal: string;
    readonly used: readonly string[];
    readonly carried: readonly string[];
  }[];
}

/** Amounts with the currency's digits. */
export interface PlanCosts extends Omit<RatedPlan, 'months' | 'allowances' | 'commitment'> {
  readonly months: readonly string[];
  readonly total: string;
  readonly average: string;
  readonly doubledTotal: string;
  readonly doubledAverage: string;
  readonly allowances: readonly AllowanceUse[];
}

/** What the plan costs in each month, altogether and in the average month, and how its allowances were used. */
export function planCosts(rated: RatedPlan, billing: readonly BillingMonth[], currency: string): PlanCosts {
  const { months, allowances, commitment, ...terms } = rated;
  const committed = (totals: readonly string[]) => committedTotals(totals, { commitment, currency, months: billing });
  const totals = committed(months.map((month) => month.total));
  const total = sum(totals, currency);
  const doubledTotal = sum(committed(months.map((month) => month.doubledTotal)), currency);
  return {
    ...terms,
    months: totals,
    total,
    average: average(total, months.length, currency),
    doubledTotal,
    doubledAverage: average(doubledTotal, months.length, currency),
    allowances:
      months.length === 0
        ? []
        : allowances.map((allowance, index) =>
            allowanceUse(
              allowance,
              months.map(({ used }) => used[index] ?? '0'),
              months.map(({ carried }) => carried[index] ?? '0'),
            ),
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
