export { timesAllowed } from './add-on.ts';
export { type AllowedUse, type FeatureDifference, featureDifferences, type FeatureUnion } from './differences.ts';
export { type Entitlement, type EntitlementPeriod, entitlementSchema, type PlanFeature } from './entitlement.ts';
export {
  type EntitlementSource,
  type GrantedEntitlement,
  limitPools,
  type LimitPool,
  reachedLevels,
  type Standing,
  standingIn,
  type Union,
  unionOf,
} from './union.ts';
export { entitlementWindow } from './window.ts';
