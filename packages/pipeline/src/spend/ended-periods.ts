import { type BillingPeriod, billingPeriods } from '@meterline/domain/subscriptions';
import type { Account, SubscriptionTerms } from '../ports/index.ts';
import type { DrawingPeriod } from '../prepaid/index.ts';
import type { CarriedFrom } from './carried-units.ts';
import type { CarriedState } from './carried-states.ts';
import type { OpenTerm } from './open-terms.ts';
import type { PeriodToRate } from './period-to-rate.ts';

/** A period of a subscription that live spend of a request looks at. */
export interface SpendPeriod<Request> {
  readonly request: Request;
  readonly account: Account;
  readonly terms: SubscriptionTerms;
  readonly period: BillingPeriod;
  readonly prepaid: DrawingPeriod | undefined;
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
  for (const [index, { request, account, terms, period }] of active.entries()) {
    const committed = open[index]?.unbilled ?? [];
    for (const each of [...committed, ...unbilledBefore(period, { account, terms }, carried.get(terms))]) {
      const found = { request, account, terms, period: each, prepaid: undefined };
      if (!isKnown(found)) ended.push(found);
    }
  }
  return ended;
}

function unbilledBefore(
  { fromMs: untilMs }: BillingPeriod,
  { account: { timezone }, terms: { cadence, startsAtMs, endsAtMs } }: Pick<SpendPeriod<unknown>, 'account' | 'terms'>,
  state: CarriedState | undefined,
): BillingPeriod[] {
  if (state === undefined || state.billedThroughMs === untilMs) return [];
  const sinceMs = state.billedThroughMs ?? -Infinity;
  return billingPeriods(cadence, { startsAtMs, endsAtMs, timezone }, { untilMs }).filter(({ fromMs }) => fromMs >= sinceMs);
}

/** The periods as `toRate` makes them, in order: each takes over what the one before it leaves, or what the last invoice of its subscription left. */
export function chained<Request>(
  periods: readonly SpendPeriod<Request>[],
  carried: ReadonlyMap<SubscriptionTerms, CarriedState>,
  toRate: (period: SpendPeriod<Request>) => PeriodToRate,
): PeriodToRate[] {
  const made = new Map<SpendPeriod<Request>, PeriodToRate>();
  const latest = new Map<Request, Map<SubscriptionTerms, SpendPeriod<Request>>>();
  for (const period of periods.toSorted((a, b) => a.period.fromMs - b.period.fromMs)) {
    const own = latest.get(period.request) ?? new Map<SubscriptionTerms, SpendPeriod<Request>>();
    latest.set(period.request, own);
    const before = own.get(period.terms);
    own.set(period.terms, period);
    const after = before?.period.toMs === period.period.fromMs ? made.get(before) : undefined;
    made.set(period, { ...toRate(period), carried: cameFrom(period, carried.get(period.terms), after) });
  }
  return periods.flatMap((period) => made.get(period) ?? []);
}

function cameFrom(
  { period }: Pick<SpendPeriod<unknown>, 'period'>,
  state: CarriedState | undefined,
  after: PeriodToRate | undefined,
): CarriedFrom<PeriodToRate> | undefined {
  if (state === undefined) return undefined;
  if (state.billedThroughMs === period.fromMs) return { stated: state.stated };
  return after && { after };
}
