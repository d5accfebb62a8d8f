export { isBeforeInvoice } from './billed-before.ts';
export { cardsAt } from './cards-at.ts';
export { carriedStates, mayCarryOver } from './carried-states.ts';
export { carriedAfter, type PeriodToRate } from './period-to-rate.ts';
export { type RatedPeriod, ratePeriods, type RatingPorts } from './rate-periods.ts';
export {
  type CustomerSpend,
  periodToRate,
  spendAt,
  spendOf,
  spendOfMany,
  type SpendRequest,
  type SubscriptionSpend,
} from './spend.ts';
export { nextPeriod, periodAt, spanOf } from './span.ts';
export { quantityAt } from './quantities.ts';
