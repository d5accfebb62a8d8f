export {
  type NegotiatedEnd,
  type NegotiatedPrice,
  type Negotiation,
  negotiatedVersions,
  overriddenCard,
  reaching,
  standingPrices,
} from './negotiated.ts';
export { isPriceChangeInstant, type PriceChange } from './price-change.ts';
export { cardVersions, cardVersionsBetween, type CardVersion } from './timeline.ts';
