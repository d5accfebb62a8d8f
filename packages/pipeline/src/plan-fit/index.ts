export { type CustomerFit, planFitOf, planFitPage, type PlanFitPorts, type PlanFitRequest } from './plan-fit.ts';
