export { mayCarryOver } from './carried-states.ts';
export type { CarriedFrom } from './carried-units.ts';
export { type PeriodToRate, type RatedPeriod, ratePeriods, type RatingPorts } from './rate-periods.ts';
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
