export { cardsIn, phaseFaults, pricedBy, type PhasedTerms, termsIn } from './in-phase.ts';
export { phaseSchema, phasesSchema, type PlanPhase, REMIND_DAYS, type Trial } from './phase.ts';
export { isTrial, type PhaseDays, phaseDays, phasesGoingOn, withTrialEnd } from './schedule.ts';
