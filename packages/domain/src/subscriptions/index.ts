export { billingPeriodAt, billingPeriods, billingYearAt, billingPeriodSchema } from './billing-period.ts';
export { feeShare, type FeeShare, type FeeSharing } from './proration.ts';
export type { BillingCadence, BillingPeriod, SubscriptionSpan } from './billing-period.ts';
