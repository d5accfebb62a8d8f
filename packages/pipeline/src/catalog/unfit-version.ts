import { Fault, type FaultDetail } from '@meterline/domain/faults';
import { thresholdFaults } from '@meterline/domain/invoices';
import { cardsIn, phaseFaults, type PlanPhase } from '@meterline/domain/phases';
import type { RateCard } from '@meterline/domain/prices';
import type { FeatureStore, MeterStore, PlanRecord, PlanStore, PlanVersionDraft } from '../ports/index.ts';
import { meteringFaults } from './metered-cards.ts';
import { addOnFaults, featureFaults } from './plan-features.ts';

export interface FitPorts {
  readonly meters: Pick<MeterStore, 'byKeys'>;
  readonly features: Pick<FeatureStore, 'byKeys'>;
  readonly plans: Pick<PlanStore, 'byKey'>;
}

/** Fails with everything of a plan version that does not fit the meters, features and plans there are. */
export async function refuseUnfit(
  {
    rateCards,
    features = [],
    phases = [],
    invoiceThresholds,
  }: Pick<PlanVersionDraft, 'rateCards' | 'features' | 'phases' | 'invoiceThresholds'>,
  plan: Pick<PlanRecord, 'key' | 'currency'>,
  ports: FitPorts,
  tenant: string,
): Promise<void> {
  const cards = await meteringFaults(rateCards, ports.meters, tenant);
  const entitlements = [...addOnFaults(features, rateCards), ...(await featureFaults(features, ports, tenant))];
  const phased = [...phaseFaults(phases, rateCards), ...(await phaseMisfits(phases, rateCards, plan, ports, tenant))];
  const thresholds = invoiceThresholds ? thresholdFaults(invoiceThresholds, plan.currency) : [];
  const errors = [...cards, ...entitlements, ...phased, ...thresholds];
  if (errors.length === 0) return;
  if (cards.length > 0) throw new Fault('invalid', 'plan.rate_card_invalid', 'A rate card does not fit the meters.', { errors });
  if (entitlements.length > 0)
    throw new Fault('invalid', 'plan.feature_invalid', 'An entitlement does not fit the features.', { errors });
  if (phased.length > 0) throw new Fault('invalid', 'plan.phase_invalid', 'A phase does not fit the plan version.', { errors });
  throw new Fault('invalid', 'plan.invoice_thresholds_invalid', 'An invoice threshold does not fit the currency.', { errors });
}

async function phaseMisfits(
  phases: readonly PlanPhase[],
  rateCards: readonly RateCard[],
  plan: Pick<PlanRecord, 'key' | 'currency'>,
  ports: FitPorts,
  tenant: string,
): Promise<FaultDetail[]> {
  const faults: FaultDetail[] = [];
  for (const [index, phase] of phases.entries()) {
    const path = `phases[${index}]`;
    for (const [at, own] of (phase.rateCards ?? []).entries()) {
      const card = rateCards.find(({ key }) => key === own.key);
      if (card === undefined || own.price === undefined) continue;
      const found = await meteringFaults(cardsIn(phase, [card]), ports.meters, tenant);
      faults.push(...found.map((fault) => ({ ...fault, path: fault.path.replace('rateCards[0]', `${path}.rateCards[${at}]`) })));
    }
    const features = await featureFaults(phase.features ?? [], ports, tenant);
    faults.push(...features.map((fault) => ({ ...fault, path: `${path}.${fault.path}` })));
    faults.push(...(await trialMisfits(phase, path, plan, ports, tenant)));
  }
  return faults;
}

/** A trial leads to another plan that takes subscriptions, in the same currency. */
async function trialMisfits(
  { trial }: PlanPhase,
  path: string,
  { key, currency }: Pick<PlanRecord, 'key' | 'currency'>,
  { plans }: FitPorts,
  tenant: string,
): Promise<FaultDetail[]> {
  const otherwise = trial?.otherwise ?? 'end';
  if (otherwise === 'end') return [];
  const fault = (message: string) => [{ path: `${path}.trial.otherwise.plan`, message }];
  if (otherwise.plan === key) return fault('must be another plan');
  const other = await plans.byKey(otherwise.plan, tenant);
  if (other === undefined) return fault(`there is no plan "${otherwise.plan}"`);
  if (other.archivedAtMs !== null || other.draft) return fault(`plan "${otherwise.plan}" takes no subscriptions`);
  return other.currency === currency ? [] : fault(`is in ${other.currency}, the plan in ${currency}`);
}
