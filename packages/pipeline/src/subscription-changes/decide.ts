import { Fault, type FaultDetail } from '@meterline/domain/faults';
import {
  type ChangeDirection,
  directionOf,
  type Quantities,
  ruleRefusals,
  type SubscriptionChange,
  type Timeline,
  timelineOf,
} from '@meterline/domain/stages';
import type { BillingCadence } from '@meterline/domain/subscriptions';
import { type EpochDay, formatInstant, localDateAt, startOfDateMs } from '@meterline/domain/time';
import { instantMs, refuseUncountable } from '../catalog/index.ts';
import type { SubscriptionChangeRecord, SubscriptionUpdate } from '../ports/index.ts';
import type { ChangeRequest } from './request.ts';
import { takesBack } from './takes-back.ts';
import { byDays, type PlanTerms, renewalFrom, stageRecords, standing, type Subject } from './subject.ts';

/** The plan versions that a change is about: under which it is made, and to which it leads (the same, but for a change of plan). */
export interface ChangePlans {
  readonly from: PlanTerms;
  readonly to: PlanTerms;
}

/** What a change comes to, whether it is made or only shown. */
export interface Decision {
  readonly update: SubscriptionUpdate;
  readonly change: SubscriptionChangeRecord;
  /** First day on which something changes. */
  readonly day: EpochDay;
  readonly direction: ChangeDirection;
}

export interface ChangeToDecide {
  readonly request: ChangeRequest;
  /** As `dayOf` has it. */
  readonly day: EpochDay;
  readonly plans: ChangePlans;
  /** Of the change that is made. */
  readonly id: string;
}

/** The day on which what is asked for would hold first, by the billing periods of now. */
export function dayOf({ kind, at = 'now' }: ChangeRequest, cadence: BillingCadence, subject: Subject): EpochDay {
  const { customer, subscription, nowMs } = subject;
  const dateOf = (ms: number) => localDateAt(ms, customer.timezone);
  const today = Math.max(dateOf(nowMs), dateOf(subscription.startsAtMs));
  if (at === 'period_end') return renewalFrom(today + 1, cadence, subject);
  const day = at === 'now' ? (kind === 'cancel' ? dateOf(nowMs) : today) : dateOf(instantMs(at) ?? nowMs);
  return kind === 'cancel' ? day + 1 : day;
}

/**
 * What a change would make of the subscription: a pure function of the request and of everything it depends on, so that what was shown is what is done.
 * Fails with a Fault that says why it cannot be, and for a rule of the plan from when on it could.
 */
export function decide({ request, day, plans, id }: ChangeToDecide, subject: Subject): Decision {
  const { subscription, customer, nowMs } = subject;
  const { timezone } = customer;
  const stood = standing(subject);
  const before = timelineOf(stood);
  refuseState(request, day, before, subject);
  const direction = directionFor(request, plans, quantitiesOn(day, before));
  refuseByRules(request, direction, plans.from, { day, before, stood }, subject);
  const change = changeOf(request, direction, plans, subject, { id, day, before });
  const withdraws = overtaken(request, day, subject);
  const after = timelineOf([...stood.filter((each) => !withdraws.includes(each.id)), byDays(change, timezone)]);
  if (JSON.stringify(shape(after)) === JSON.stringify(shape(before)))
    throw new Fault('conflict', 'subscription.nothing_changes', 'The subscription is so already.');
  const fromMs = startOfDateMs(firstDifference(before, after, day), timezone);
  const { billedThroughMs } = subject;
  if (billedThroughMs !== null && billedThroughMs > fromMs) throw invoiced(billedThroughMs);
  const update: SubscriptionUpdate = {
    subscription: subscription.id,
    version: subscription.version,
    change,
    withdraws,
    stages: stageRecords(after.stages, subject),
    endsAtMs: after.endsAtMs,
    fromMs,
    billedThroughMs,
  };
  return { update, change: { ...change, createdAtMs: nowMs }, day, direction };
}

/** What leaves the subscription as it would be without a change that has not begun. */
export function withdrawal(change: SubscriptionChangeRecord, subject: Subject): SubscriptionUpdate {
  const { subscription, customer } = subject;
  const own = byDays(change, customer.timezone);
  const today = localDateAt(subject.nowMs, customer.timezone);
  if (change.withdrawnAtMs !== null)
    throw new Fault('conflict', 'subscription.change_withdrawn', 'The change is withdrawn already.');
  if (change.kind === 'start' || own.fromDay <= today)
    throw new Fault(
      'conflict',
      'subscription.change_begun',
      'The change has begun: only one that is scheduled can be withdrawn.',
    );
  const after = timelineOf(standing(subject).filter(({ id }) => id !== change.id));
  return {
    subscription: subscription.id,
    version: subscription.version,
    change: null,
    withdraws: [change.id],
    stages: stageRecords(after.stages, subject),
    endsAtMs: after.endsAtMs,
    fromMs: startOfDateMs(own.fromDay, customer.timezone),
    billedThroughMs: subject.billedThroughMs,
  };
}

export function invoiced(throughMs: number): Fault {
  return new Fault('conflict', 'subscription.invoiced', 'An invoice was issued for days that would change.', {
    errors: [{ path: 'at', message: `must not be before ${formatInstant(throughMs)}, up to which all days are invoiced` }],
  });
}

/** What counts of a timeline: which change made a stage does not. */
function shape({ stages, endsAtMs }: Timeline) {
  return [stages.map(({ change: _change, ...stage }) => stage), endsAtMs];
}

/** Undoing an end changes days from the end on, which may be before the day of the change. */
function firstDifference(before: Timeline, after: Timeline, day: EpochDay): EpochDay {
  const index = before.stages.findIndex((stage, at) => {
    const other = after.stages[at];
    return other === undefined || stage.untilDay !== other.untilDay || stage.fromDay !== other.fromDay;
  });
  const [stage, other] = [before.stages[index], after.stages[index]];
  const ends = [stage?.untilDay, other?.untilDay].filter((end) => end != null);
  return Math.min(day, ...(stage && other && stage.fromDay === other.fromDay ? ends : []));
}

/** The end that is scheduled, if what is asked for replaces it or calls it off. */
function overtaken({ kind }: ChangeRequest, day: EpochDay, { changes, customer: { timezone }, nowMs }: Subject): string[] {
  if (kind !== 'cancel' && kind !== 'resubscribe') return [];
  const today = localDateAt(nowMs, timezone);
  return changes
    .filter((change) => change.kind === 'cancel' && change.withdrawnAtMs === null)
    .filter(({ fromMs }) => localDateAt(fromMs, timezone) >= (kind === 'cancel' ? today : Math.max(day, today)))
    .map(({ id }) => id);
}

function quantitiesOn(day: EpochDay, { stages }: Timeline): Quantities {
  return (stages.findLast(({ fromDay }) => fromDay <= day) ?? stages[0])?.quantities ?? {};
}

/** Whether the subscription is in a state for it at all. */
function refuseState(request: ChangeRequest, day: EpochDay, before: Timeline, subject: Subject): void {
  const { customer, subscription, nowMs } = subject;
  const { timezone } = customer;
  const dateOf = (ms: number) => localDateAt(ms, timezone);
  const endDay = before.endsAtMs === null ? null : dateOf(before.endsAtMs);
  const refuse = (code: string, message: string, errors: FaultDetail[] = []) =>
    new Fault('conflict', `subscription.${code}`, message, { errors });
  const atFault = (message: string): FaultDetail[] => [{ path: 'at', message }];
  if (request.kind === 'resubscribe') {
    if (endDay === null) throw refuse('not_ended', 'The subscription has no end: there is nothing to begin again.');
    if (endDay >= dateOf(nowMs) || day > endDay) return;
    throw refuse('ended', 'Its last days are over.', atFault(`must be after ${formatInstant(before.endsAtMs ?? 0)}, its end`));
  }
  if (endDay !== null && (endDay < dateOf(nowMs) || (request.kind !== 'cancel' && day > endDay)))
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

function directionFor(request: ChangeRequest, { from, to }: ChangePlans, quantities: Quantities): ChangeDirection {
  const asked = 'quantities' in request ? request.quantities : undefined;
  const now = { rateCards: from.rateCards, cadence: from.plan.billingPeriod, commitment: from.commitment, quantities };
  const commitment = 'commitment' in request && request.commitment !== undefined ? request.commitment : to.commitment;
  const then = { rateCards: to.rateCards, cadence: to.plan.billingPeriod, commitment, quantities: { ...quantities, ...asked } };
  return directionOf(now, then);
}

interface Timed {
  readonly day: EpochDay;
  readonly before: Timeline;
  readonly stood: readonly SubscriptionChange[];
}

function refuseByRules(
  { kind }: ChangeRequest,
  direction: ChangeDirection,
  from: PlanTerms,
  { day, before, stood }: Timed,
  subject: Subject,
): void {
  if (from.changeRules === null) return;
  const { timezone } = subject.customer;
  const refusals = ruleRefusals(from.changeRules, {
    kind,
    direction,
    day,
    planSince: planSince(before, day),
    earlier: stood.filter((change) => change.kind === 'plan' || change.kind === 'quantity').map(({ fromDay }) => fromDay),
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

function changeOf(
  request: ChangeRequest,
  direction: ChangeDirection,
  { from, to }: ChangePlans,
  subject: Subject,
  { id, day, before }: { readonly id: string; readonly day: EpochDay; readonly before: Timeline },
): SubscriptionChangeRecord {
  const { subscription, customer, changes, nowMs } = subject;
  const { timezone } = customer;
  const seq = Math.max(0, ...changes.map((each) => each.seq)) + 1;
  const fromMs = startOfDateMs(day, timezone);
  const anew = takesBack(day, before, to, subject) ? true : undefined;
  const base = { id, subscription: subscription.id, seq, anew, createdAtMs: nowMs, withdrawnAtMs: null };
  const until = 'until' in request ? instantMs(request.until) : undefined;
  const untilMs = until === undefined ? null : startOfDateMs(localDateAt(until, timezone), timezone);
  const amount = from.changeRules?.changeFee;
  const fee = amount === undefined ? undefined : { key: id, name: 'Change fee', amount };
  switch (request.kind) {
    case 'plan': {
      refuseUncountable(request.quantities ?? {}, { key: to.plan.key, rateCards: to.rateCards });
      const commitment = request.commitment === undefined ? to.commitment : request.commitment;
      const terms = { plan: to.plan.key, planVersion: to.version, commitment };
      const paysWhole = direction === 'up' && from.changeRules?.upgrade === 'full_price' ? true : undefined;
      return { ...base, kind: 'plan', fromMs, untilMs, terms, quantities: request.quantities, fee, paysWhole };
    }
    case 'quantity':
      refuseUncountable(request.quantities, { key: from.plan.key, rateCards: from.rateCards });
      return { ...base, kind: 'quantity', fromMs, untilMs, quantities: request.quantities, fee };
    case 'cancel':
      return { ...base, kind: 'cancel', fromMs: endMs(request, fromMs, nowMs), untilMs: null };
    case 'resubscribe': {
      const terms = { plan: to.plan.key, planVersion: to.version, commitment: to.commitment };
      return { ...base, kind: 'resubscribe', fromMs, untilMs: null, ...(isAnother(request, before) && { terms }) };
    }
    case 'pause':
    case 'resume':
      return { ...base, kind: request.kind, fromMs, untilMs };
  }
}

const isAnother = (request: ChangeRequest, before: Timeline) =>
  'plan' in request && request.plan !== undefined && request.plan !== before.stages.at(-1)?.terms.plan;

/** The exact instant of an end, within its last day. */
function endMs({ at = 'now' }: ChangeRequest, endOfDayMs: number, nowMs: number): number {
  if (at === 'period_end') return endOfDayMs - 1;
  return at === 'now' ? nowMs : (instantMs(at) ?? nowMs);
}
