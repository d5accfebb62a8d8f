export type { Entitlement, EntitlementCheck } from './entitlements.ts';
export { MeterlineError } from './meterline-error.ts';
export type { MeterlineErrorCode, Rejection } from './meterline-error.ts';
export { Meterline } from './meterline.ts';
export type { Drop, DropReason, MeterlineOptions, WhenUnavailable } from './options.ts';
export type { Quantity } from './quantity.ts';
export type { Counters } from './sender.ts';
export type { CallUsage, MinutesUsage, UsageEvent, UserUsage } from './usage.ts';
