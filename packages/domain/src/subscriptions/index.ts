export { billingPeriodAt, billingPeriods, billingPeriodSchema } from './billing-period.ts';
export type { BillingCadence, BillingPeriod, SubscriptionSpan } from './billing-period.ts';
