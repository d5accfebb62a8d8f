export {
  type Allowance,
  allowanceOf,
  countingCard,
  TOO_LARGE_BELOW_PERCENT,
  TOO_SMALL_ABOVE_PERCENT_OF_MONTHS,
  unitsCounted,
} from './allowances.ts';
export { FITS, type Assessment, type Choice, type Fits, type NotCompared, type Subscribed } from './assess.ts';
export { type BillingMonth, wholeMonthsBefore } from './billing-months.ts';
export type { MeterMonths, MeteredMonths } from './meter-months.ts';
export { type OtherCadence, periodsIn } from './period-share.ts';
export { type PlanCosts, planCosts, type RatedByMonth, type RatedByPeriod, type RatedPlan } from './plan-costs.ts';
export { monthsBeforeHistory, type PlanFit, planFit, sinceHistory } from './plan-fit.ts';
export { growsWithTime, lengthenedQuantity, ONCE, scaledQuantity, type Scaling, scalingOf, TWICE } from './scale.ts';
export { FIT_LANGUAGES, type FitLanguage, fitSentence } from './sentence/index.ts';
export { type TermsDifference, termsDifference } from './differences.ts';
