import { sameTerms, type Stage, type Timeline } from '@meterline/domain/stages';
import { type EpochDay, localDateAt } from '@meterline/domain/time';
import { type PlanTerms, renewalFrom, type Subject } from './subject.ts';

/**
 * Whether a stage has begun, or the subscription ended, with this day in the middle of a billing period. The days before may be invoiced by themselves, and
 * what they come to must not depend on whether they are: so what takes the place of that stage begins anew.
 */
export function takesBack(day: EpochDay, { stages, endsAtMs }: Timeline, { plan }: PlanTerms, subject: Subject): boolean {
  const { timezone } = subject.customer;
  if (day > localDateAt(subject.nowMs, timezone) || renewalFrom(day, plan.billingPeriod, subject) === day) return false;
  const [first, ...later] = stages;
  const hasEnded = endsAtMs !== null && localDateAt(endsAtMs, timezone) + 1 === day;
  return (
    hasEnded || (first?.fromDay !== day && later.some((stage, index) => stage.fromDay === day && parts(stages[index], stage)))
  );
}

/** Whether a stage is billed apart from the one before it. */
function parts(before: Stage | undefined, stage: Stage): boolean {
  if (before === undefined || stage.anew || stage.paysWhole || before.paused !== stage.paused) return true;
  return !sameTerms(before.terms, stage.terms) || before.phase?.key !== stage.phase?.key;
}
