import { type Entitlement, timesAllowed } from '@meterline/domain/entitlements';
import type { SubscriptionTerms } from '../ports/index.ts';
import { quantityAt } from '../spend/index.ts';

/** What the terms of a subscription allow at an instant, with the add-ons that are subscribed then; a feature may come several times. */
export function allowedAt(
  terms: SubscriptionTerms,
  atMs: number,
): { readonly feature: string; readonly entitlement: Entitlement }[] {
  return terms.features.flatMap(({ feature, entitlement, addOn }) => {
    const allowed = addOn === undefined ? entitlement : timesAllowed(entitlement, quantityAt(terms, addOn, atMs));
    return allowed === undefined ? [] : [{ feature, entitlement: allowed }];
  });
}
