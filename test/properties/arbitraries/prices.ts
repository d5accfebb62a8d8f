import type { BasicPrice, MatrixCell, Price } from '@meterline/domain/prices';
import fc from 'fast-check';
import { amount, percent, positive, units } from './numbers.ts';

export const DIMENSIONS = {
  media: ['', 'audio', 'video'],
  resolution: ['', 'sd', 'hd', '2k'],
} as const;
export type Dimension = keyof typeof DIMENSIONS;

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

/** Leaves out what is undefined, as JSON would. */
export function given<T extends object>(fields: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, field]) => field !== undefined)) as never;
}

/** Tiers of ascending bounds, the last one open, and what `tierOf` puts into each. */
function tierList<T>(tier: fc.Arbitrary<T>): fc.Arbitrary<(T & { upTo: string | null })[]> {
  return fc
    .tuple(fc.uniqueArray(fc.integer({ min: 1, max: 240 }), { maxLength: 4 }), fc.array(tier, { minLength: 5, maxLength: 5 }))
    .map(([bounds, tiers]) => {
      const halves = bounds
        .toSorted((a, b) => a - b)
        .map((bound) => (bound % 2 === 0 ? String(bound / 2) : `${(bound - 1) / 2}.5`));
      return [...halves, null].map((upTo, index) => ({ upTo, ...(tiers[index] as T) }));
    });
}

export const tiers = tierList(fc.record({ unitAmount: amount, flatAmount: maybe(amount) }).map(given));
const rateTiers = tierList(fc.record({ rate: percent, flatAmount: maybe(amount) }).map(given));
const paymentTerm = maybe(fc.constantFrom('advance' as const, 'arrears' as const));

const MODELS = {
  flat: fc
    .record({ amount, paymentTerm, interval: maybe(fc.constantFrom('period' as const, 'once' as const)) })
    .map((fields) => ({ model: 'flat' as const, ...given(fields) })),
  per_unit: amount.map((unitAmount) => ({ model: 'per_unit' as const, unitAmount })),
  graduated: tiers.map((list) => ({ model: 'graduated' as const, tiers: list })),
  volume: tiers.map((list) => ({ model: 'volume' as const, tiers: list })),
  package: fc
    .record({
      packageSize: positive,
      packageAmount: amount,
      freeUnits: maybe(units),
      blocks: maybe(fc.constantFrom('up' as const, 'down' as const, 'prorated' as const)),
    })
    .map((fields) => ({ model: 'package' as const, ...given(fields) })),
  percentage: fc
    .record({
      rate: percent,
      fixedAmount: maybe(amount),
      freeEvents: maybe(fc.nat(4).map(String)),
      freeAmount: maybe(units),
      limits: fc.tuple(fc.nat(300), fc.nat(300), fc.nat(5)),
    })
    .map(({ limits: [least, more, which], ...fields }) => ({
      model: 'percentage' as const,
      ...given(fields),
      ...((which === 0 || which === 1) && { minimumPerEvent: String(least) }),
      ...((which === 0 || which === 2) && { maximumPerEvent: String(least + more) }),
    })),
  graduated_percentage: rateTiers.map((list) => ({ model: 'graduated_percentage' as const, tiers: list })),
  dynamic: amount.map((multiplier) => ({ model: 'dynamic' as const, multiplier })),
  per_seat: fc
    .record({ seatAmount: amount, includedSeats: maybe(units), minimumSeats: maybe(units), paymentTerm })
    .map((fields) => ({ model: 'per_seat' as const, ...given(fields) })),
} satisfies Record<BasicPrice['model'], fc.Arbitrary<BasicPrice>>;

const basicPrice: fc.Arbitrary<BasicPrice> = fc.oneof(...Object.values(MODELS));

const names = fc.subarray(Object.keys(DIMENSIONS) as Dimension[], { minLength: 1 });
const cellOver = (dimensions: readonly Dimension[]): fc.Arbitrary<MatrixCell> => {
  const wanted = (name: Dimension) =>
    fc.oneof(fc.constantFrom(...DIMENSIONS[name]), fc.subarray([...DIMENSIONS[name]], { minLength: 1 }));
  const match = fc.record(Object.fromEntries(dimensions.map((name) => [name, wanted(name)])), { requiredKeys: [] });
  return fc.record({ match, price: basicPrice }) as fc.Arbitrary<MatrixCell>;
};

const matrix: fc.Arbitrary<Price> = names.chain((dimensions) =>
  fc
    .record({
      cells: fc.array(cellOver(dimensions), { minLength: 1, maxLength: 4 }),
      default: maybe(basicPrice),
      groupBy: maybe(fc.subarray(dimensions, { minLength: 1 })),
    })
    .map((fields) => ({ model: 'matrix' as const, dimensions: [...dimensions], ...given(fields) })),
);

export const price: fc.Arbitrary<Price> = fc.oneof({ weight: 9, arbitrary: basicPrice }, { weight: 3, arbitrary: matrix });

/** A price that a single event has by itself: what can be rounded event by event. */
export const eventPrice: fc.Arbitrary<Price> = fc.oneof(MODELS.per_unit, MODELS.dynamic, MODELS.percentage);
