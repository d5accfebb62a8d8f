import { Fault, type FaultDetail } from '@meterline/domain/faults';
import { isTrial } from '@meterline/domain/phases';
import {
  type ChangeDirection,
  directionOf,
  type Quantities,
  ruleRefusals,
  type SubscriptionChange,
  type Timeline,
} from '@meterline/domain/stages';
import { type EpochDay, formatInstant, localDateAt, startOfDateMs } from '@meterline/domain/time';
import { instantMs } from '../catalog/index.ts';
import type { ChangeRequest } from './request.ts';
import { type ChangePlans, type PlanTerms, renewalFrom, type Subject } from './subject.ts';

/** Whether the subscription is in a state for it at all. */
export function refuseState(request: ChangeRequest, day: EpochDay, before: Timeline, subject: Subject): void {
  const { customer, subscription, nowMs } = subject;
  const { timezone } = customer;
  const dateOf = (ms: number) => localDateAt(ms, timezone);
  const endDay = before.endsAtMs === null ? null : dateOf(before.endsAtMs);
  const refuse = (code: string, message: string, errors: FaultDetail[] = []) =>
    new Fault('conflict', `subscription.${code}`, message, { errors });
  const atFault = (message: string): FaultDetail[] => [{ path: 'at', message }];
  if (request.kind === 'resubscribe') {
    if (endDay === null) throw refuse('not_ended', 'The subscription has no end: there is nothing to begin again.');
    if (day <= endDay && lapses(before)) throw refuse('on_trial', 'Its trial is not over: a change of kind trial converts it.');
    if (endDay >= dateOf(nowMs) || day > endDay) return;
    throw refuse('ended', 'Its last days are over.', atFault(`must be after ${formatInstant(before.endsAtMs ?? 0)}, its end`));
  }
  const isBehind = request.kind !== 'cancel' && request.kind !== 'trial' && endDay !== null && day > endDay;
  if (endDay !== null && (endDay < dateOf(nowMs) || isBehind))
    throw refuse('ended', 'The subscription has ended by then.', atFault('must be before its end'));
  const startDay = dateOf(subscription.startsAtMs);
  // What has not begun yet can be called off: it ends before it starts and is never billed.
  if (day <= startDay - (request.kind === 'cancel' ? 0 : 1) && (request.kind !== 'cancel' || startDay <= dateOf(nowMs)))
    throw refuse(
      'not_begun',
      'The subscription begins later.',
      atFault(`must not be before ${formatInstant(subscription.startsAtMs)}`),
    );
  const until = 'until' in request ? instantMs(request.until) : undefined;
  if (until !== undefined && dateOf(until) <= day)
    throw new Fault('invalid', 'subscription.until_before_at', 'A change ends after it begins.', {
      errors: [{ path: 'until', message: 'must be on a day after that on which the change takes effect' }],
    });
  const paused = before.stages.findLast(({ fromDay }) => fromDay <= day)?.paused ?? false;
  if (request.kind === 'pause' && paused) throw refuse('paused', 'The subscription rests already.');
  if (request.kind === 'resume' && !paused) throw refuse('not_paused', 'The subscription does not rest.');
}

/** A change of plan is asked the rules of the plan, and calling off an end is not: so it cannot be both. */
export function refuseOtherPlan(
  request: ChangeRequest,
  { from, to }: ChangePlans,
  day: EpochDay,
  before: Timeline,
  subject: Subject,
): void {
  if (request.kind !== 'resubscribe' || from === to || before.endsAtMs === null) return;
  if (day > localDateAt(before.endsAtMs, subject.customer.timezone)) return;
  const path = from.plan.key === to.plan.key ? 'version' : 'plan';
  throw new Fault('conflict', 'subscription.not_ended', 'The subscription has not ended yet.', {
    errors: [{ path, message: 'must be absent while the end is to come: call it off first, and change the plan then' }],
  });
}

export function directionFor(request: ChangeRequest, { from, to }: ChangePlans, quantities: Quantities): ChangeDirection {
  const asked = 'quantities' in request ? request.quantities : undefined;
  const now = { rateCards: from.rateCards, cadence: from.plan.billingPeriod, commitment: from.commitment, quantities };
  const commitment = 'commitment' in request && request.commitment !== undefined ? request.commitment : to.commitment;
  const then = { rateCards: to.rateCards, cadence: to.plan.billingPeriod, commitment, quantities: { ...quantities, ...asked } };
  return directionOf(now, then);
}

export interface Timed {
  readonly day: EpochDay;
  readonly before: Timeline;
  readonly stood: readonly SubscriptionChange[];
}

export function refuseByRules(
  { kind }: ChangeRequest,
  direction: ChangeDirection,
  from: PlanTerms,
  { day, before, stood }: Timed,
  subject: Subject,
): void {
  if (from.changeRules === null || isTrialOn(kind === 'cancel' ? day - 1 : day, before)) return;
  const { timezone } = subject.customer;
  const refusals = ruleRefusals(from.changeRules, {
    kind,
    direction,
    day,
    planSince: planSince(before, day),
    earlier: stood
      .filter((change) => (change.kind === 'plan' || change.kind === 'quantity') && change.byVendor !== true)
      .map(({ fromDay }) => fromDay),
    nowMs: subject.nowMs,
    startOfDayMs: (date) => startOfDateMs(date, timezone),
    renewalFrom: (date) => renewalFrom(date, from.plan.billingPeriod, subject),
  });
  if (refusals.length === 0) return;
  throw new Fault('conflict', 'subscription.rule_refuses', `Plan "${from.plan.key}" does not allow this change then.`, {
    errors: refusals.map(({ rule, asks, allowedFrom }) => ({
      path: `changeRules.${rule}`,
      message: `${asks}: ${allowedFrom === null ? 'not allowed' : `allowed from ${formatInstant(startOfDateMs(allowedFrom, timezone))}`}`,
    })),
  });
}

/** The first day of the plan that runs on a day, without a break. */
function planSince({ stages }: Timeline, day: EpochDay): EpochDay {
  const running = stages.filter(({ fromDay }) => fromDay < day || fromDay === stages[0]?.fromDay);
  const last = running.at(-1);
  let since = last?.fromDay ?? day;
  for (const stage of running.toReversed()) {
    if (stage.terms.plan !== last?.terms.plan || (stage !== last && stage.untilDay !== since)) break;
    since = stage.fromDay;
  }
  return since;
}

export function isTrialOn(day: EpochDay, { stages }: Timeline): boolean {
  const phase = stages.findLast(({ fromDay }) => fromDay <= day)?.phase;
  return phase != null && isTrial(phase);
}

/** Whether it ends with a trial that does not convert. */
export function lapses({ stages, endsAtMs }: Timeline): boolean {
  return endsAtMs !== null && stages.at(-1)?.untilDay !== null;
}
