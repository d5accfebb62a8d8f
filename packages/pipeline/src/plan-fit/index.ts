export { costsUnder } from './costs-under.ts';
export { type CustomerFit, planFitOf, planFitPage, type PlanFitPorts, type PlanFitRequest } from './plan-fit.ts';
export type { PlanTerms } from './plan-terms.ts';
