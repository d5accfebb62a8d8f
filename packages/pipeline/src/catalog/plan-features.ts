import { entitlementSchema, type PlanFeature } from '@meterline/domain/entitlements';
import type { FaultDetail } from '@meterline/domain/faults';
import type { RateCard } from '@meterline/domain/prices';
import { z } from 'zod';
import type { FeatureStore, MeterStore } from '../ports/index.ts';
import { keySchema } from './fields.ts';

const FEATURES_MAX = 200;

export const planFeatureSchema = z.strictObject({
  feature: keySchema.describe('Key of a feature'),
  entitlement: entitlementSchema.describe('What the plan allows of it'),
  addOn: keySchema
    .optional()
    .describe(
      'Key of a rate card with a flat price: allowed as many times as that is subscribed, beside what else the plan allows',
    ),
});

export const planFeaturesSchema = z
  .array(planFeatureSchema)
  .max(FEATURES_MAX, `must be at most ${FEATURES_MAX} features`)
  .superRefine((features, context) => {
    const seen = new Set<string>();
    for (const [index, { feature, addOn }] of features.entries()) {
      const of = JSON.stringify([feature, addOn]);
      const message = `"${feature}" is named twice${addOn === undefined ? '' : ` for add-on "${addOn}"`}`;
      if (seen.has(of)) context.addIssue({ code: 'custom', path: [index, 'feature'], message });
      seen.add(of);
    }
  })
  .optional()
  .describe('What subscriptions may use, and how much of it');

/** What can be subscribed in any quantity is a flat fee, due each period. */
export function addOnFaults(planned: readonly PlanFeature[], rateCards: readonly RateCard[]): FaultDetail[] {
  const flat = new Set(rateCards.filter(({ price }) => price.model === 'flat').map(({ key }) => key));
  return planned.flatMap(({ addOn }, index) => {
    if (addOn === undefined || flat.has(addOn)) return [];
    return { path: `features[${index}].addOn`, message: `there is no rate card "${addOn}" with a flat price` };
  });
}

/** A plan allows features that exist, and limits what a live meter counts. */
export async function featureFaults(
  planned: readonly PlanFeature[],
  { features, meters }: { readonly features: Pick<FeatureStore, 'byKeys'>; readonly meters: Pick<MeterStore, 'byKeys'> },
  tenant: string,
): Promise<FaultDetail[]> {
  if (planned.length === 0) return [];
  const known = await features.byKeys([...new Set(planned.map(({ feature }) => feature))], tenant);
  const byKey = new Map(known.map((feature) => [feature.key, feature]));
  const counting = await meters.byKeys([...new Set(known.flatMap(({ meter }) => meter ?? []))], tenant);
  const isArchived = new Map(counting.map((meter) => [meter.key, meter.archivedAtMs !== null]));

  return planned.flatMap(({ feature: key, entitlement }, index) => {
    const fault = (message: string) => [{ path: `features[${index}].feature`, message }];
    const feature = byKey.get(key);
    if (feature === undefined) return fault(`there is no feature "${key}"`);
    if (feature.archivedAtMs !== null) return fault(`feature "${key}" is archived`);
    if (entitlement.type !== 'metered') return [];
    if (feature.meter === null) return fault(`feature "${key}" has no meter: a metered entitlement needs one`);
    return isArchived.get(feature.meter) === true ? fault(`meter "${feature.meter}" of feature "${key}" is archived`) : [];
  });
}
