import { compare, decimal, formatMoney, subtract } from '../money/index.ts';
import * as ratio from '../money/ratio.ts';
import type { AllowanceUse } from './allowances.ts';
import type { MeterMonths } from './meter-months.ts';
import { percentOf, percentText } from './percent.ts';
import type { PlanCosts } from './plan-costs.ts';

/**
 * What a subscription's plan is to its customer. By its allowances: `too_small` if one of them is, else `too_large` if all are, else
 * `right`. Without them, or without anything to judge, why not.
 */
export const FITS = ['too_large', 'too_small', 'right', 'no_allowance', 'no_history', 'not_compared', 'no_subscription'] as const;
export type Fits = (typeof FITS)[number];

/** Why a plan is not compared: it prices a meter that counts no longer. */
export type NotCompared = 'meter_archived';

export interface Subscribed {
  readonly id: string;
  readonly plan: string;
  readonly planVersion: number;
  /** Null: it is among the plans. */
  readonly notCompared: NotCompared | null;
}

/** The plan that fits: of those that price everything the subscription's plan does and was used, the one that costs the least. */
export interface Choice {
  readonly plan: string;
  readonly planVersion: number;
  readonly every: PlanCosts['every'];
  /** The subscription has it already, at these terms. */
  readonly isCurrent: boolean;
  readonly total: string;
  readonly average: string;
  /** What it would have cost less than the subscription; null without one to compare with. */
  readonly saving: string | null;
  readonly savingPercent: string | null;
}

export interface Assessment {
  readonly subscription: Subscribed | null;
  readonly fits: Fits;
  /** The allowance that tells most: the one exceeded most often, or else used most. */
  readonly allowance: AllowanceUse | null;
  /** How the usage that it is about (or else the first meter used) changes. */
  readonly growthPercent: string | null;
  readonly current: PlanCosts | null;
  readonly now: Choice | null;
  readonly doubled: Choice | null;
  /** Plans that cannot stand in for it, as they do not price these meters, which were used. */
  readonly uncovered: readonly { readonly plan: string; readonly planVersion: number; readonly meters: readonly string[] }[];
}

export interface Assessed {
  readonly currency: string;
  readonly plans: readonly PlanCosts[];
  readonly meters: readonly MeterMonths[];
  /** Months of history; without any there is nothing to choose by. */
  readonly months: number;
}

/** Judges a subscription by what was used; null judges what was used without one. */
export function assess(subscription: Subscribed | null, { currency, plans, meters, months }: Assessed): Assessment {
  const current = plans.find((plan) => subscription !== null && plan.subscription === subscription.id) ?? null;
  const used = meters.filter(({ peakMonth }) => peakMonth !== null);
  const needed = used.filter(({ meter }) => current === null || current.meters.includes(meter.key)).map(({ meter }) => meter.key);
  const missing = (plan: PlanCosts) => needed.filter((meter) => !plan.meters.includes(meter));
  const candidates = plans.filter((plan) => plan === current || (plan.isOffered && missing(plan).length === 0));
  const canChoose = months > 0 && subscription?.notCompared == null;
  const choose = (cost: Costing) => (canChoose ? cheapest(candidates, current, currency, cost) : null);
  const allowance = current === null || months === 0 ? null : tellingAllowance(current.allowances);
  const trending = used.find(({ meter }) => (allowance === null ? needed.includes(meter.key) : meter.key === allowance.meter));
  return {
    subscription,
    fits: fitsOf(subscription, current, months),
    allowance,
    growthPercent: trending?.trend?.growthPercent ?? null,
    current,
    now: choose({ total: (plan) => plan.total, average: (plan) => plan.average }),
    doubled: choose({ total: (plan) => plan.doubledTotal, average: (plan) => plan.doubledAverage }),
    uncovered: plans
      .filter((plan) => plan !== current && plan.isOffered && missing(plan).length > 0)
      .map((plan) => ({ plan: plan.plan, planVersion: plan.planVersion, meters: missing(plan) })),
  };
}

function fitsOf(subscription: Subscribed | null, current: PlanCosts | null, months: number): Fits {
  if (subscription === null) return 'no_subscription';
  if (current === null) return 'not_compared';
  if (months === 0) return 'no_history';
  const sizes = current.allowances.map(({ size }) => size);
  if (sizes.length === 0) return 'no_allowance';
  if (sizes.includes('too_small')) return 'too_small';
  return sizes.every((size) => size === 'too_large') ? 'too_large' : 'right';
}

function tellingAllowance(allowances: readonly AllowanceUse[]): AllowanceUse | null {
  const percent = ({ averagePercent }: AllowanceUse) => decimal(averagePercent ?? '0');
  const [first] = allowances.toSorted((a, b) => b.monthsExceeded - a.monthsExceeded || compare(percent(b), percent(a)));
  return first ?? null;
}

interface Costing {
  readonly total: (plan: PlanCosts) => string;
  readonly average: (plan: PlanCosts) => string;
}

/** Of plans that cost the same, the one subscribed to: nobody changes plans for nothing. */
function cheapest(candidates: readonly PlanCosts[], current: PlanCosts | null, currency: string, cost: Costing): Choice | null {
  const total = (plan: PlanCosts) => decimal(cost.total(plan));
  const [best] = candidates.toSorted((a, b) => compare(total(a), total(b)) || (a === current ? -1 : b === current ? 1 : 0));
  if (best === undefined) return null;
  const saving = current === null ? null : subtract(total(current), total(best));
  return {
    plan: best.plan,
    planVersion: best.planVersion,
    every: best.every,
    isCurrent: best === current,
    total: cost.total(best),
    average: cost.average(best),
    saving: saving === null ? null : formatMoney(saving, currency),
    savingPercent: saving === null || current === null ? null : shareText(saving, total(current)),
  };
}

function shareText(part: ReturnType<typeof decimal>, all: ReturnType<typeof decimal>): string | null {
  return all.units === 0n ? null : percentText(percentOf(ratio.of(part), ratio.of(all)));
}
