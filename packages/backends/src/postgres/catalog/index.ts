import type { CatalogStores, Database } from '@meterline/pipeline/ports';
import { apiKeyStore } from './api-key-store.ts';
import { customerStore } from './customer-store.ts';
import { featureStore } from './feature-store.ts';
import { meterStore } from './meter-store.ts';
import { negotiatedPriceStore } from './negotiated-price-store.ts';
import { planDrafts } from './plan-drafts.ts';
import { planMoveStore } from './plan-move-store.ts';
import { planStore } from './plan-store.ts';
import { priceChangeStore } from './price-change-store.ts';
import { subscriptionStore } from './subscription-store.ts';

export { trialNoticeStore } from './trial-notice-store.ts';
export { upgradeStore } from './upgrade-store.ts';

/** The catalogue in the billing store. */
export function catalogStores(db: Database): CatalogStores {
  return {
    meters: meterStore(db),
    customers: customerStore(db),
    features: featureStore(db),
    plans: { ...planStore(db), ...planDrafts(db) },
    priceChanges: priceChangeStore(db),
    negotiatedPrices: negotiatedPriceStore(db),
    planMoves: planMoveStore(db),
    subscriptions: subscriptionStore(db),
    apiKeys: apiKeyStore(db),
  };
}
