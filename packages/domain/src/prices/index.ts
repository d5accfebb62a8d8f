export type { BasicPrice } from './models/basic.ts';
export type { DynamicPrice } from './models/dynamic.ts';
export type { FlatPrice } from './models/flat.ts';
export type { GraduatedPercentagePrice } from './models/graduated-percentage.ts';
export type { GraduatedPrice } from './models/graduated.ts';
export type { MatrixCell, MatrixPrice } from './models/matrix.ts';
export type { PackagePrice } from './models/package.ts';
export type { PerSeatPrice } from './models/per-seat.ts';
export type { PerUnitPrice } from './models/per-unit.ts';
export type { PercentagePrice } from './models/percentage.ts';
export type { VolumePrice } from './models/volume.ts';
export { cardsInAdvance, isDueInAdvance } from './in-advance.ts';
export {
  modifierOverridesSchema,
  type ModifierOverrides,
  modifiersSchema,
  type Modifiers,
  percentOffField,
} from './modifiers.ts';
export { priceSchema, type Price } from './price.ts';
export { rateCardSchema, type RateCard } from './rate-card.ts';
export { reducedBy, reducedTo } from './reduced.ts';
export { termsFaults } from './terms.ts';
export type { RateTier, Tier } from './tiers.ts';
export { pricesSingleEvents, usageNeeds, type UsageNeeds } from './usage-needs.ts';
