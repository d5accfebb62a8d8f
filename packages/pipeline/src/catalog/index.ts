import type { CatalogStores, TenantClock } from '../ports/index.ts';
import { apiKeyCatalog, type ApiKeyCatalog, type GeneratedKey } from './api-keys.ts';
import { customerCatalog, type CustomerCatalog } from './customers.ts';
import { featureCatalog, type FeatureCatalog } from './features.ts';
import { meterCatalog, type MeterCatalog } from './meters.ts';
import { negotiatedPriceCatalog, type NegotiatedPriceCatalog } from './negotiated-prices.ts';
import { planDraftCatalog, type PlanDraftCatalog } from './plan-drafts.ts';
import { planCatalog, type PlanCatalog } from './plans.ts';
import { priceChangeCatalog, type PriceChangeCatalog } from './price-changes.ts';
import { subscriptionCatalog, type SubscriptionCatalog } from './subscriptions.ts';

export * from './api-keys.ts';
export * from './customers.ts';
export * from './features.ts';
export * from './fields.ts';
export { foldSchema, levelSchema, sessionSchema } from './meter-terms.ts';
export * from './meters.ts';
export * from './negotiated-prices.ts';
export { negotiatedEndSchema, newNegotiatedPriceSchema } from './negotiated-price-input.ts';
export * from './plan-drafts.ts';
export { planFeatureSchema } from './plan-features.ts';
export * from './plans.ts';
export * from './price-changes.ts';
export * from './subscriptions.ts';
export * from './usage.ts';

export interface Catalog {
  readonly meters: MeterCatalog;
  readonly customers: CustomerCatalog;
  readonly features: FeatureCatalog;
  readonly plans: PlanCatalog;
  readonly planDrafts: PlanDraftCatalog;
  readonly priceChanges: PriceChangeCatalog;
  readonly negotiatedPrices: NegotiatedPriceCatalog;
  readonly subscriptions: SubscriptionCatalog;
  readonly apiKeys: ApiKeyCatalog;
}

/** What an operator sets up, with its rules. Everything is refused with a Fault that names the field. */
export function createCatalog(ports: { stores: CatalogStores; clock: TenantClock; generateKey: () => GeneratedKey }): Catalog {
  const { stores, clock, generateKey } = ports;
  return {
    meters: meterCatalog(stores.meters, clock),
    customers: customerCatalog({ ...stores, clock }),
    features: featureCatalog({ ...stores, clock }),
    plans: planCatalog({ ...stores, clock }),
    planDrafts: planDraftCatalog({ ...stores, clock }),
    priceChanges: priceChangeCatalog({ ...stores, clock }),
    negotiatedPrices: negotiatedPriceCatalog({ ...stores, clock }),
    subscriptions: subscriptionCatalog({ ...stores, clock }),
    apiKeys: apiKeyCatalog(stores.apiKeys, clock, generateKey),
  };
}
