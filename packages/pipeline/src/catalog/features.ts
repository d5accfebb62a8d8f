import { Fault, type FaultDetail } from '@meterline/domain/faults';
import { z } from 'zod';
import type { FeatureRecord, FeatureStore, MeterStore, Page, PageRequest, TenantClock } from '../ports/index.ts';
import { keySchema, nameSchema } from './fields.ts';
import { meterKeySchema } from './meters.ts';

const FILTER_VALUES_MAX = 100;
const filterValueSchema = z.string().max(256, 'must have at most 256 characters');

export const newFeatureSchema = z.strictObject({
  key: keySchema,
  name: nameSchema,
  meter: meterKeySchema.optional().describe('Counts how much of it is used; metered entitlements need one'),
  filter: z
    .record(z.string(), z.union([filterValueSchema, z.array(filterValueSchema).min(1).max(FILTER_VALUES_MAX)]))
    .optional()
    .describe('Dimension of the meter -> accepted values; other usage is not of this feature'),
});
export type NewFeature = z.output<typeof newFeatureSchema>;

export const featureUnknown = (key: string): Fault => new Fault('not_found', 'feature.unknown', `There is no feature "${key}".`);

export interface FeatureCatalog {
  create(input: NewFeature, tenant: string): Promise<FeatureRecord>;
  archive(key: string, tenant: string): Promise<FeatureRecord>;
  get(key: string, tenant: string): Promise<FeatureRecord>;
  list(request: PageRequest, tenant: string): Promise<Page<FeatureRecord>>;
}

interface Ports {
  readonly features: FeatureStore;
  readonly meters: Pick<MeterStore, 'byKey'>;
  readonly clock: TenantClock;
}

/** Features never change once created: one that must count differently is another feature. */
export function featureCatalog({ features, meters, clock }: Ports): FeatureCatalog {
  return {
    async create({ key, name, meter, filter = {} }, tenant) {
      const values = Object.entries(filter).map(([dimension, value]) => [dimension, typeof value === 'string' ? [value] : value]);
      const draft = { key, name, meter: meter ?? null, filter: Object.fromEntries(values) as Record<string, string[]> };
      const errors = await faultsOf(draft, tenant);
      if (errors.length > 0) throw new Fault('invalid', 'feature.invalid', 'The feature is not valid.', { errors });
      const feature = await features.insert(draft, await clock.nowMs(tenant), tenant);
      if (feature !== undefined) return feature;
      throw new Fault('conflict', 'feature.key_taken', `There is a feature "${key}" already.`, {
        errors: [{ path: 'key', message: 'is taken' }],
      });
    },
    async archive(key, tenant) {
      const feature = await features.archive(key, await clock.nowMs(tenant), tenant);
      if (feature === undefined) throw featureUnknown(key);
      return feature;
    },
    async get(key, tenant) {
      const feature = await features.byKey(key, tenant);
      if (feature === undefined) throw featureUnknown(key);
      return feature;
    },
    list: (request, tenant) => features.page(request, tenant),
  };

  async function faultsOf(
    { meter: key, filter }: Pick<FeatureRecord, 'meter' | 'filter'>,
    tenant: string,
  ): Promise<FaultDetail[]> {
    const names = Object.keys(filter);
    if (key === null) return names.length === 0 ? [] : [{ path: 'filter', message: 'needs a meter' }];
    const meter = await meters.byKey(key, tenant);
    if (meter === undefined) return [{ path: 'meter', message: `there is no meter "${key}"` }];
    const archived = meter.archivedAtMs === null ? [] : [{ path: 'meter', message: `meter "${key}" is archived` }];
    const unknown = names.filter((name) => !Object.hasOwn(meter.dimensions, name));
    const dimensions = unknown.map((name) => ({ path: `filter.${name}`, message: `meter "${key}" has no dimension "${name}"` }));
    return [...archived, ...dimensions];
  }
}
