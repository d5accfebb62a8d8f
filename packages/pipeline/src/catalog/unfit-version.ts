import { Fault } from '@meterline/domain/faults';
import type { FeatureStore, MeterStore, PlanVersionDraft } from '../ports/index.ts';
import { meteringFaults } from './metered-cards.ts';
import { addOnFaults, featureFaults } from './plan-features.ts';

export interface FitPorts {
  readonly meters: Pick<MeterStore, 'byKeys'>;
  readonly features: Pick<FeatureStore, 'byKeys'>;
}

/** Fails with everything of a plan version that does not fit the meters and features there are. */
export async function refuseUnfit(
  { rateCards, features = [] }: Pick<PlanVersionDraft, 'rateCards' | 'features'>,
  ports: FitPorts,
  tenant: string,
): Promise<void> {
  const cards = await meteringFaults(rateCards, ports.meters, tenant);
  const errors = [...cards, ...addOnFaults(features, rateCards), ...(await featureFaults(features, ports, tenant))];
  if (errors.length === 0) return;
  if (cards.length > 0) throw new Fault('invalid', 'plan.rate_card_invalid', 'A rate card does not fit the meters.', { errors });
  throw new Fault('invalid', 'plan.feature_invalid', 'An entitlement does not fit the features.', { errors });
}
