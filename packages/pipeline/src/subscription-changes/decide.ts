import { Fault } from '@meterline/domain/faults';
import type { ChangeDirection, Quantities, Timeline } from '@meterline/domain/stages';
import type { BillingCadence } from '@meterline/domain/subscriptions';
import { type EpochDay, formatInstant, localDateAt, startOfDateMs } from '@meterline/domain/time';
import { instantMs, refuseUncountable } from '../catalog/index.ts';
import type { SubscriptionChangeRecord, SubscriptionUpdate } from '../ports/index.ts';
import { byDays, phasingRecord, stageRecords, standing, timelineIn } from '../stages/index.ts';
import { directionFor, isTrialOn, lapses, refuseByRules, refuseOtherPlan, refuseState, type Timed } from './allowed.ts';
import { phasingFor } from './phasing.ts';
import type { ChangeRequest } from './request.ts';
import { type ChangePlans, renewalFrom, type Subject } from './subject.ts';
import { takesBack } from './takes-back.ts';
import { amendmentOf, trialDay } from './trial.ts';

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
  /** As in `SubscriptionChange`. */
  readonly byVendor: boolean;
}

/** The day on which what is asked for would hold first, by the billing periods of now. */
export function dayOf(request: ChangeRequest, cadence: BillingCadence, subject: Subject): EpochDay {
  if (request.kind === 'trial') return trialDay(request, subject);
  const { kind, at = 'now' } = request;
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
export function decide({ request, day, plans, id, byVendor }: ChangeToDecide, subject: Subject): Decision {
  const { subscription, customer, nowMs } = subject;
  const { timezone } = customer;
  const stood = standing(subject.changes, timezone);
  const before = timelineIn(stood, timezone);
  refuseState(request, day, before, subject);
  refuseOtherPlan(request, plans, day, before, subject);
  const direction = directionFor(request, plans, quantitiesOn(day, before));
  refuseByRules(request, direction, plans.from, { day, before, stood }, subject);
  const change = changeOf(request, direction, plans, subject, { id, byVendor, day, before, stood });
  const withdraws = overtaken(request, day, subject);
  const after = timelineIn([...stood.filter((each) => !withdraws.includes(each.id)), byDays(change, timezone)], timezone);
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
    stages: stageRecords(after.stages, { startsAtMs: subscription.startsAtMs, timezone }),
    endsAtMs: after.endsAtMs,
    fromMs,
    billedThroughMs,
    ...(plans.phased.phases.length > 0 && { trial: { ...plans.trial, plan: plans.to.plan.key } }),
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
  const { timezone } = customer;
  const after = timelineIn(
    standing(subject.changes, timezone).filter(({ id }) => id !== change.id),
    timezone,
  );
  return {
    subscription: subscription.id,
    version: subscription.version,
    change: null,
    withdraws: [change.id],
    stages: stageRecords(after.stages, { startsAtMs: subscription.startsAtMs, timezone }),
    endsAtMs: after.endsAtMs,
    fromMs: startOfDateMs(own.fromDay, timezone),
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

function changeOf(
  request: ChangeRequest,
  direction: ChangeDirection,
  plans: ChangePlans,
  subject: Subject,
  { id, byVendor, day, before, stood }: Timed & Pick<ChangeToDecide, 'id' | 'byVendor'>,
): SubscriptionChangeRecord {
  const { from, to } = plans;
  const { subscription, customer, changes, nowMs } = subject;
  const { timezone } = customer;
  const seq = Math.max(0, ...changes.map((each) => each.seq)) + 1;
  const fromMs = startOfDateMs(day, timezone);
  const anew = takesBack(day, before, to, subject) ? true : undefined;
  const base = {
    id,
    subscription: subscription.id,
    seq,
    anew,
    byVendor: byVendor || undefined,
    createdAtMs: nowMs,
    withdrawnAtMs: null,
  };
  const until = 'until' in request ? instantMs(request.until) : undefined;
  const untilMs = until === undefined ? null : startOfDateMs(localDateAt(until, timezone), timezone);
  const amount = isTrialOn(day, before) ? undefined : from.changeRules?.changeFee;
  const fee = amount === undefined ? undefined : { key: id, name: 'Change fee', amount };
  const phased = () => {
    const phasing = phasingFor(request, plans, day, stood);
    return phasing && { phasing: phasingRecord(phasing, timezone) };
  };
  switch (request.kind) {
    case 'trial':
      return { ...base, kind: 'trial', fromMs, untilMs: null, ...amendmentOf(request, plans, subject) };
    case 'plan': {
      refuseUncountable(request.quantities ?? {}, { key: to.plan.key, rateCards: to.rateCards });
      const commitment = request.commitment === undefined ? to.commitment : request.commitment;
      const terms = { plan: to.plan.key, planVersion: to.version, commitment };
      const paysWhole = direction === 'up' && from.changeRules?.upgrade === 'full_price' ? true : undefined;
      return { ...base, kind: 'plan', fromMs, untilMs, terms, ...phased(), quantities: request.quantities, fee, paysWhole };
    }
    case 'quantity':
      refuseUncountable(request.quantities, { key: from.plan.key, rateCards: from.rateCards });
      return { ...base, kind: 'quantity', fromMs, untilMs, quantities: request.quantities, fee };
    case 'cancel':
      return { ...base, kind: 'cancel', fromMs: endMs(request, fromMs, nowMs), untilMs: null };
    case 'resubscribe': {
      const terms = { plan: to.plan.key, planVersion: to.version, commitment: to.commitment };
      return {
        ...base,
        kind: 'resubscribe',
        fromMs,
        untilMs: null,
        ...((from !== to || lapses(before)) && { terms, ...phased() }),
      };
    }
    case 'pause':
    case 'resume':
      return { ...base, kind: request.kind, fromMs, untilMs };
  }
}

/** The exact instant of an end, within its last day. */
function endMs({ at = 'now' }: Extract<ChangeRequest, { readonly kind: 'cancel' }>, endOfDayMs: number, nowMs: number): number {
  if (at === 'period_end') return endOfDayMs - 1;
  return at === 'now' ? nowMs : (instantMs(at) ?? nowMs);
}
