import { Fault } from '@meterline/domain/faults';
import type { Quantities, StageTerms } from '@meterline/domain/stages';
import { localDateAt } from '@meterline/domain/time';
import { newId } from '../ids/index.ts';
import type { CustomerRecord, PhasedStart, PlanRecord, PlanStore, SubscriptionStore, TrialFacts } from '../ports/index.ts';
import { phasedVersion, phasingOf } from './phasing.ts';
import { phasingRecord, stageRecords, timelineIn } from './records.ts';

interface Ports {
  readonly subscriptions: Pick<SubscriptionStore, 'hadTrial'>;
  readonly plans: Pick<PlanStore, 'byKey'>;
}

interface Start {
  readonly terms: StageTerms;
  readonly startsAtMs: number;
  readonly quantities: Quantities | undefined;
  /** Whether it is to have a trial; undefined: if it is the customer's first one of the plan. */
  readonly trial: boolean | undefined;
  readonly nowMs: number;
}

/** How a subscription begins to a plan with phases; undefined to one without. */
export async function phasedStart(
  ports: Ports,
  { customer, plan }: { readonly customer: CustomerRecord; readonly plan: PlanRecord },
  { terms, startsAtMs, quantities, trial, nowMs }: Start,
  tenant: string,
): Promise<PhasedStart | undefined> {
  refuseMissingTrial(plan, trial);
  const facts = await trialFacts(ports, customer, plan, tenant);
  const { timezone } = customer;
  const fromDay = localDateAt(startsAtMs, timezone);
  const phasing = phasingOf(await phasedVersion(ports.plans, plan, tenant), fromDay, facts, trial);
  if (phasing === undefined) return undefined;
  const change = newId('chg', nowMs);
  const start = { id: change, seq: 1, kind: 'start', fromDay, untilDay: null, terms, phasing, quantities } as const;
  const { stages, endsAtMs } = timelineIn([start], timezone);
  return {
    change,
    phasing: phasingRecord(phasing, timezone),
    stages: stageRecords(stages, { startsAtMs, timezone }),
    endsAtMs,
    trial: facts,
  };
}

export async function trialFacts(
  { subscriptions }: Pick<Ports, 'subscriptions'>,
  { key, paymentMethod }: Pick<CustomerRecord, 'key' | 'paymentMethod'>,
  plan: Pick<PlanRecord, 'key' | 'phases'>,
  tenant: string,
): Promise<TrialFacts> {
  const hadTrial = await subscriptions.hadTrial(key, plan.key, tenant);
  return { hasPaymentMethod: paymentMethod !== null, hadTrial };
}

/** Fails with `subscription.no_trial` where one is asked for that the plan does not have. */
export function refuseMissingTrial({ key, phases }: Pick<PlanRecord, 'key' | 'phases'>, asked: boolean | undefined): void {
  if (asked !== true || phases[0]?.trial !== undefined) return;
  throw new Fault('invalid', 'subscription.no_trial', `Plan "${key}" has no trial.`, {
    errors: [{ path: 'trial', message: 'must be absent or false: the plan has no trial' }],
  });
}
