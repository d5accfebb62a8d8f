import { isTrial, phasesGoingOn } from '@meterline/domain/phases';
import { agreedOn, type Phasing, type SubscriptionChange } from '@meterline/domain/stages';
import type { EpochDay } from '@meterline/domain/time';
import { phasingOf } from '../stages/index.ts';
import type { ChangeRequest } from './request.ts';
import type { ChangePlans } from './subject.ts';

/** How the terms that a change brings are phased: those of the same plan go on where they are, those of another one begin. */
export function phasingFor(
  request: ChangeRequest,
  { to, phased, trial }: ChangePlans,
  day: EpochDay,
  stood: readonly SubscriptionChange[],
): Phasing | undefined {
  const running = agreedOn(stood, day);
  const hasLapsed = request.kind === 'resubscribe' && (running?.phasing?.lapse?.fromDay ?? Infinity) <= day;
  if (running?.terms.plan !== to.plan.key || hasLapsed)
    return phasingOf(phased, day, trial, 'trial' in request ? request.trial : undefined);
  const { phases, lapse } = running.phasing ?? { phases: [], lapse: null };
  const left = phasesGoingOn(to.phases, phases, day);
  return left.length === 0 ? undefined : { phases: left, lapse: left.some(isTrial) ? lapse : null };
}
