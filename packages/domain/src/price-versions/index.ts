export { isPriceChangeInstant, type PriceChange } from './price-change.ts';
export { cardVersions, cardVersionsBetween, type CardVersion } from './timeline.ts';
