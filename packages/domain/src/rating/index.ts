export { evaluatePrice } from './evaluate.ts';
export type { LineKind, PeriodPosition, PriceEvaluation, PriceInput, RatedLine } from './evaluation.ts';
export { rateCardCharge, type RateCardInput } from './rate-card.ts';
