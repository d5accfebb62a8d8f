import { type BillingPeriod, billingPeriods } from '@meterline/domain/subscriptions';
import type { Account, SubscriptionTerms } from '../ports/index.ts';
import type { DrawingPeriod } from '../prepaid/index.ts';
import type { CarriedFrom } from './carried-units.ts';
import type { CarriedState } from './carried-states.ts';
import type { OpenTerm } from './open-terms.ts';
import { carriedAfter, type PeriodToRate } from './period-to-rate.ts';
import { spanOf } from './span.ts';

/** A period of a subscription that live spend of a request looks at. */
export interface SpendPeriod<Request> {
  readonly request: Request;
  readonly account: Account;
  readonly terms: SubscriptionTerms;
  readonly period: BillingPeriod;
  readonly prepaid: DrawingPeriod | undefined;
}

/** The terms of a subscription, among others of it, that are under the same plan version in the same phase: they hand allowances on to each other. */
export function underOneVersion({ account, terms }: Pick<SpendPeriod<unknown>, 'account' | 'terms'>): SubscriptionTerms[] {
  const { id, plan, planVersion, phase } = terms;
  return account.subscriptions.filter(
    (each) => each.id === id && each.plan === plan && each.planVersion === planVersion && each.phase?.key === phase?.key,
  );
}

/** Periods without an invoice that grants, a commitment or an allowance carried over look at, once each. */
export function endedPeriods<Request>(
  drawing: readonly SpendPeriod<Request>[],
  active: readonly SpendPeriod<Request>[],
  open: readonly (OpenTerm | undefined)[],
  carried: ReadonlyMap<SubscriptionTerms, CarriedState>,
): SpendPeriod<Request>[] {
  const ended = [...drawing];
  const isKnown = ({ request, terms, period }: SpendPeriod<Request>) =>
    ended.some((each) => each.request === request && each.terms === terms && each.period.fromMs === period.fromMs);
  const add = (found: SpendPeriod<Request>) => {
    if (!isKnown(found)) ended.push(found);
  };
  for (const [index, { request, account, terms, period: current }] of active.entries()) {
    for (const period of open[index]?.unbilled ?? []) add({ request, account, terms, period, prepaid: undefined });
    const state = carried.get(terms);
    if (state === undefined) continue;
    for (const each of underOneVersion({ account, terms })) {
      for (const period of unbilledBefore(current, { account, terms: each }, state))
        add({ request, account, terms: each, period, prepaid: undefined });
    }
  }
  return ended;
}

function unbilledBefore(
  { fromMs: untilMs }: BillingPeriod,
  { account, terms }: Pick<SpendPeriod<unknown>, 'account' | 'terms'>,
  { billedThroughMs }: CarriedState,
): BillingPeriod[] {
  if (billedThroughMs === untilMs || terms.startsAtMs >= untilMs) return [];
  const sinceMs = billedThroughMs ?? -Infinity;
  return billingPeriods(terms.cadence, spanOf(terms, account), { untilMs }).filter(({ fromMs }) => fromMs >= sinceMs);
}

/** The periods as `toRate` makes them, in order: each takes over what the one before it leaves, or what the last invoice of its subscription left. */
export function chained<Request>(
  periods: readonly SpendPeriod<Request>[],
  carried: ReadonlyMap<SubscriptionTerms, CarriedState>,
  toRate: (period: SpendPeriod<Request>) => PeriodToRate,
): PeriodToRate[] {
  const made = new Map<SpendPeriod<Request>, PeriodToRate>();
  const latest = new Map<Request, Map<string, PeriodToRate>>();
  for (const period of periods.toSorted((a, b) => a.period.fromMs - b.period.fromMs)) {
    const own = latest.get(period.request) ?? new Map<string, PeriodToRate>();
    latest.set(period.request, own);
    const now = toRate(period);
    const charged = { ...now, carried: cameInto(now, carried.get(period.terms), own.get(period.terms.id)) };
    own.set(period.terms.id, charged);
    made.set(period, charged);
  }
  return periods.flatMap((period) => made.get(period) ?? []);
}

function cameInto(
  now: PeriodToRate,
  state: CarriedState | undefined,
  before: PeriodToRate | undefined,
): CarriedFrom<PeriodToRate> | undefined {
  if (state === undefined) return undefined;
  if (state.billedThroughMs === now.period.fromMs) return { stated: state.stated };
  return before && carriedAfter(before, now);
}
