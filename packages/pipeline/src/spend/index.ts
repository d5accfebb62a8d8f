export { mayCarryOver } from './carried-states.ts';
export type { CarriedFrom } from './carried-units.ts';
export type { PeriodToRate } from './period-to-rate.ts';
export { type RatedPeriod, ratePeriods, type RatingPorts } from './rate-periods.ts';
export {
  type CustomerSpend,
  periodAt,
  periodToRate,
  spendAt,
  spendOf,
  spendOfMany,
  type SpendRequest,
  type SubscriptionSpend,
} from './spend.ts';
