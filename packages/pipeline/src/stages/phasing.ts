import { Fault } from '@meterline/domain/faults';
import { isTrial, type PhaseDays, phaseDays, type PlanPhase } from '@meterline/domain/phases';
import type { Lapse, Phasing, StageTerms } from '@meterline/domain/stages';
import type { EpochDay } from '@meterline/domain/time';
import type { PlanStore, TrialFacts } from '../ports/index.ts';

/** A plan version whose terms begin. */
export interface PhasedVersion {
  readonly phases: readonly PlanPhase[];
  /** What follows its trial where it does not convert; null: nothing. */
  readonly otherwise: StageTerms | null;
}

/** How terms begin on a day: with the trial once for each customer and plan, unless `asked` says otherwise. Undefined without phases. */
export function phasingOf(
  version: PhasedVersion,
  fromDay: EpochDay,
  facts: TrialFacts,
  asked: boolean | undefined,
): Phasing | undefined {
  const isAllowed = asked ?? !facts.hadTrial;
  const phases = phaseDays(
    version.phases.filter(({ trial }) => trial === undefined || isAllowed),
    fromDay,
  );
  return phases.length === 0 ? undefined : { phases, lapse: lapseOf(version, phases, facts) };
}

/** What follows the trial among the phases unless something happens before its end; null: it converts, or there is none. */
export function lapseOf(
  { phases, otherwise }: PhasedVersion,
  scheduled: readonly PhaseDays[],
  { hasPaymentMethod }: Pick<TrialFacts, 'hasPaymentMethod'>,
): Lapse | null {
  const trial = scheduled.find(isTrial);
  const converts = phases.find(({ key }) => key === trial?.key)?.trial?.converts ?? 'always';
  if (trial === undefined || converts === 'always' || (converts === 'with_payment_method' && hasPaymentMethod)) return null;
  return {
    fromDay: trial.untilDay,
    terms: otherwise,
    unless: converts === 'with_payment_method' ? 'payment_method' : 'request',
  };
}

/** The phases of a plan version with the terms that follow its trial otherwise: those of the plan's latest version. Fails where that takes no subscriptions. */
export async function phasedVersion(
  plans: Pick<PlanStore, 'byKey'>,
  { phases }: Pick<PhasedVersion, 'phases'>,
  tenant: string,
): Promise<PhasedVersion> {
  const otherwise = phases[0]?.trial?.otherwise ?? 'end';
  if (otherwise === 'end') return { phases, otherwise: null };
  const plan = await plans.byKey(otherwise.plan, tenant);
  if (plan === undefined || plan.archivedAtMs !== null || plan.draft)
    throw new Fault('conflict', 'plan.trial_leads_nowhere', `Plan "${otherwise.plan}" takes no subscriptions.`, {
      errors: [
        { path: 'plan', message: `has a trial that is followed by plan "${otherwise.plan}", which takes no subscriptions` },
      ],
    });
  return { phases, otherwise: { plan: plan.key, planVersion: plan.version, commitment: plan.commitment } };
}
