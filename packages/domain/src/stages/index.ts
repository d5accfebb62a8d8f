export type { ChangeFee, ChangeKind, Lapse, Phasing, Quantities, StageTerms, SubscriptionChange } from './change.ts';
export { directionOf } from './direction.ts';
export { type ChangeDirection, type ChangeRules, changeRulesSchema, type RuleRefusal, ruleRefusals } from './rules.ts';
export { agreedOn, type AgreedTerms, sameTerms, type Stage, type Timeline, timelineOf } from './timeline.ts';
