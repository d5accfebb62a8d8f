export { billingPeriodAt, billingPeriods, billingYearAt, billingPeriodSchema, usageInvoicedTo } from './billing-period.ts';
export { feeShare, type FeeShare, type FeeSharing, type SharedPeriod, type Span } from './proration.ts';
export { type HeldLevel, seatsHeld } from './seats-held.ts';
export type { BillingCadence, BillingPeriod, SubscriptionSpan } from './billing-period.ts';
