import { Fault, type FaultDetail } from '@meterline/domain/faults';
import { isTrial, type PhaseDays, withTrialEnd } from '@meterline/domain/phases';
import { agreedOn, type AgreedTerms, type Phasing } from '@meterline/domain/stages';
import { type EpochDay, localDateAt } from '@meterline/domain/time';
import { instantMs } from '../catalog/index.ts';
import type { SubscriptionChangeRecord } from '../ports/index.ts';
import { phasingRecord, standing } from '../stages/index.ts';
import type { ChangeRequest } from './request.ts';
import type { ChangePlans, Subject } from './subject.ts';

type TrialRequest = Extract<ChangeRequest, { readonly kind: 'trial' }>;

/** A trial that is not over, and what it is part of. */
interface RunningTrial {
  readonly agreed: AgreedTerms;
  readonly phasing: Phasing;
  readonly trial: PhaseDays;
  readonly today: EpochDay;
}

/** The first day that would be otherwise with another end of the trial, or with another outcome. */
export function trialDay(request: TrialRequest, subject: Subject): EpochDay {
  const running = runningTrial(subject);
  return Math.min(running.trial.untilDay, endDay(request, running, subject));
}

/** What takes the place of the phasing that the trial is part of. */
export function amendmentOf(
  request: TrialRequest,
  { phased, from, trial: { hasPaymentMethod } }: ChangePlans,
  subject: Subject,
): Pick<SubscriptionChangeRecord, 'amends' | 'phasing'> {
  const running = runningTrial(subject);
  const { agreed, phasing } = running;
  const converts = request.ends === 'now' || request.converts === true;
  const needsPaymentMethod = phased.phases[0]?.trial?.converts === 'with_payment_method';
  if (converts && needsPaymentMethod && !hasPaymentMethod)
    throw refused('payment_method_missing', `A trial of plan "${from.plan.key}" converts with a payment method only.`, [
      { path: 'paymentMethod', message: 'must be set on the customer before the trial can convert' },
    ]);
  const fromDay = endDay(request, running, subject);
  const phases = withTrialEnd(phased.phases, phasing.phases, fromDay);
  const lapse = converts || phasing.lapse === null ? null : { ...phasing.lapse, fromDay };
  return { amends: agreed.change, phasing: phasingRecord({ phases, lapse }, subject.customer.timezone) };
}

function runningTrial({ changes, customer: { timezone }, subscription, nowMs }: Subject): RunningTrial {
  const today = localDateAt(Math.max(nowMs, subscription.startsAtMs), timezone);
  const agreed = agreedOn(standing(changes, timezone), today);
  const trial = agreed?.phasing?.phases.find(isTrial);
  if (agreed?.phasing === undefined || trial === undefined || trial.untilDay <= today)
    throw refused('not_on_trial', 'The subscription is not on trial.');
  return { agreed, phasing: agreed.phasing, trial, today };
}

/** The first day behind the trial. */
function endDay({ ends }: TrialRequest, { trial, today }: RunningTrial, { customer, nowMs }: Subject): EpochDay {
  if (ends === undefined) return trial.untilDay;
  if (ends === 'now') return today;
  const day = localDateAt(instantMs(ends) ?? nowMs, customer.timezone);
  if (day > today) return day;
  throw refused('trial_over', 'A trial ends on a day to come.', [
    { path: 'ends', message: 'must be on a day after today, or "now"' },
  ]);
}

function refused(code: string, message: string, errors: FaultDetail[] = []): Fault {
  return new Fault('conflict', `subscription.${code}`, message, { errors });
}
