import { type Assessment, assess, type Subscribed } from './assess.ts';
import type { BillingMonth } from './billing-months.ts';
import { type MeteredMonths, type MeterMonths, meterMonths } from './meter-months.ts';
import { compare, decimal } from '../money/index.ts';
import { type PlanCosts, planCosts, type RatedPlan } from './plan-costs.ts';

export interface PlanFitInput {
  readonly currency: string;
  /** Asked for, oldest first; every list by month is in their order. */
  readonly months: readonly BillingMonth[];
  readonly plans: readonly RatedPlan[];
  readonly meters: readonly MeteredMonths[];
  /** Those that are active now, oldest first. */
  readonly subscriptions: readonly Subscribed[];
  /** When the customer's first subscription began, if it had any. */
  readonly sinceMs: number | null;
}

export interface PlanFit {
  /** Months of history: from the first that has usage or a subscription on. */
  readonly months: readonly BillingMonth[];
  /** Cheapest first. */
  readonly plans: readonly PlanCosts[];
  readonly meters: readonly MeterMonths[];
  /** One for each subscription; without any, one for what was used. */
  readonly assessments: readonly Assessment[];
}

/** What each plan would have cost, how its allowances were used, and which plan fits each subscription. */
export function planFit(input: PlanFitInput): PlanFit {
  const { currency } = input;
  const skipped = monthsBeforeHistory(input);
  const months = input.months.slice(skipped);
  const plans = input.plans
    .map((plan) => planCosts(sinceHistory(plan, skipped), months, currency))
    .sort((a, b) => compare(decimal(a.total), decimal(b.total)) || (a.plan < b.plan ? -1 : 1));
  const meters = input.meters.map((meter) => meterMonths({ ...meter, months: meter.months.slice(skipped) }, months));
  const subscriptions = input.subscriptions.length === 0 ? [null] : input.subscriptions;
  return {
    months,
    plans,
    meters,
    assessments: subscriptions.map((subscription) => assess(subscription, { currency, plans, meters, months: months.length })),
  };
}

/** Without so many months before the history. */
export function sinceHistory(plan: RatedPlan, skipped: number): RatedPlan {
  return plan.every === 'month'
    ? { ...plan, months: plan.months.slice(skipped) }
    : { ...plan, months: plan.months.slice(skipped) };
}

interface UsedMonths extends Pick<PlanFitInput, 'months' | 'sinceMs'> {
  readonly meters: readonly Pick<MeteredMonths, 'months'>[];
}

/** A month before anything was used or subscribed says nothing about the customer; one without usage later on does. */
export function monthsBeforeHistory({ months, meters, sinceMs }: UsedMonths): number {
  const first = months.findIndex(
    ({ toMs }, index) => (sinceMs !== null && sinceMs < toMs) || meters.some((meter) => (meter.months[index] ?? '0') !== '0'),
  );
  return first === -1 ? months.length : first;
}
