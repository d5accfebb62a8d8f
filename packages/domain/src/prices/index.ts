export type { FlatPrice } from './models/flat.ts';
export type { GraduatedPrice } from './models/graduated.ts';
export type { PackagePrice } from './models/package.ts';
export type { PerUnitPrice } from './models/per-unit.ts';
export type { VolumePrice } from './models/volume.ts';
export { modifiersSchema, type Modifiers } from './modifiers.ts';
export { priceSchema, type Price } from './price.ts';
export { rateCardSchema, type RateCard } from './rate-card.ts';
export type { Tier } from './tiers.ts';
