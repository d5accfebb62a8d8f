import type { Modifiers, Price, RateCard } from '@meterline/domain/prices';
import { compilePrice, type MeteredUsage, rateCardCharge, totalOf } from '@meterline/domain/rating';
import { plainBlocks, plainMatrix, plainTiers, plainUnits, plainVolume } from './bound.ts';

/** One row of the table: `rate` makes one charge line of the product, `bound` the least arithmetic that the same amount takes. */
export interface RatingCase {
  readonly name: string;
  readonly usages: readonly MeteredUsage[];
  readonly rate: (usage: MeteredUsage) => unknown;
  readonly bound: (usage: MeteredUsage) => unknown;
}

const tiersOf = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    upTo: index === count - 1 ? null : String((index + 1) * 1_000),
    unitAmount: `0.00${99 - index * 5}`,
    flatAmount: index === 0 ? '0' : '0.50',
  }));
const [three, ten] = [tiersOf(3), tiersOf(10)];
const PRICES = {
  perUnit: { model: 'per_unit', unitAmount: '0.00399' },
  three: { model: 'graduated', tiers: three },
  ten: { model: 'graduated', tiers: ten },
  volume: { model: 'volume', tiers: ten },
  packages: { model: 'package', packageSize: '1000', packageAmount: '0.99' },
  matrix: {
    model: 'matrix',
    dimensions: ['media', 'resolution'],
    cells: [
      { match: { media: 'audio' }, price: { model: 'per_unit', unitAmount: '0.00099' } },
      { match: { media: 'video', resolution: ['hd', 'sd'] }, price: { model: 'per_unit', unitAmount: '0.00399' } },
      { match: { media: 'video' }, price: { model: 'per_unit', unitAmount: '0.00899' } },
    ],
    default: { model: 'per_unit', unitAmount: '0.001' },
  },
} satisfies Record<string, Price>;

/** The usual modifiers of a real-time product: seconds to minutes, free minutes, a discount, a floor and a ceiling. */
const MODIFIERS: Modifiers = {
  unitConversion: { operation: 'divide', factor: '60', rounding: 'up' },
  freeUnits: '10',
  percentOff: '7.5',
  minimumSpend: '1',
  maximumSpend: '1000',
};

const rated = (price: Price, modifiers: Modifiers = {}) => {
  const compiled = compilePrice({ currency: 'USD', price, modifiers });
  return (usage: MeteredUsage) => totalOf(compiled.charge({ usage }));
};
const explained = (price: Price, modifiers: Modifiers = {}) => {
  const rateCard: RateCard = { key: 'minutes', name: 'Minutes', meter: 'minutes', price, modifiers };
  return (usage: MeteredUsage) => rateCardCharge({ currency: 'USD', rateCard, usage });
};

const GROUPS = ['audio', 'video'].flatMap((media) => ['sd', 'hd', '2k'].map((resolution) => ({ media, resolution })));

/** Usage of a thousand customers, from nothing to some ten thousand units, most of it with decimals. */
const SIZES = Array.from({ length: 1_000 }, (_, index) => (index * 7_919) % 12_000);
const TOTALS: readonly MeteredUsage[] = SIZES.map((size, index) => ({
  quantity: index % 3 === 0 ? String(size) : `${size}.${(index * 37) % 1_000}`,
  events: 18,
}));
const SPLIT: readonly MeteredUsage[] = SIZES.map((size) => {
  const groups = GROUPS.map((dimensions, place) => ({ dimensions, quantity: String(size + place), events: 3 }));
  return { quantity: String(6 * size + 15), events: 18, groups };
});

export const CASES: readonly RatingCase[] = [
  { name: 'per_unit', usages: TOTALS, rate: rated(PRICES.perUnit), bound: plainUnits('0.00399') },
  { name: 'graduated, 3 tiers', usages: TOTALS, rate: rated(PRICES.three), bound: plainTiers(three) },
  { name: 'graduated, 10 tiers', usages: TOTALS, rate: rated(PRICES.ten), bound: plainTiers(ten) },
  { name: 'volume, 10 tiers', usages: TOTALS, rate: rated(PRICES.volume), bound: plainVolume(ten) },
  { name: 'package', usages: TOTALS, rate: rated(PRICES.packages), bound: plainBlocks('1000', '0.99') },
  { name: 'matrix, 6 groups', usages: SPLIT, rate: rated(PRICES.matrix), bound: plainMatrix(['0.00099', '0.00399', '0.00899']) },
  { name: 'graduated 3, five modifiers', usages: TOTALS, rate: rated(PRICES.three, MODIFIERS), bound: plainTiers(three) },
  { name: 'graduated 3, explained', usages: TOTALS, rate: explained(PRICES.three), bound: plainTiers(three) },
  { name: 'the same, five modifiers', usages: TOTALS, rate: explained(PRICES.three, MODIFIERS), bound: plainTiers(three) },
];
