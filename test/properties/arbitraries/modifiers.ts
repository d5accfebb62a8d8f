import { ROUNDING_MODES } from '@meterline/domain/money';
import type { Modifiers } from '@meterline/domain/prices';
import fc from 'fast-check';
import { amount, percentOff, positive, units } from './numbers.ts';
import { type Dimension, DIMENSIONS, given, price } from './prices.ts';

const mode = fc.constantFrom(...ROUNDING_MODES);
const seldom = <T>(arbitrary: fc.Arbitrary<T>, freq = 3) => fc.option(arbitrary, { nil: undefined, freq });
/** Present once in `times`. */
const once = <T>(times: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: times - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

const weights = fc.constantFrom<Dimension>('media', 'resolution').chain((dimension) =>
  fc
    .record({
      factors: fc.record(
        Object.fromEntries(DIMENSIONS[dimension].map((name) => [name, fc.constantFrom('1', '4', '9', '0', '0.5')])),
        {
          requiredKeys: [],
        },
      ),
      default: seldom(fc.constantFrom('16', '0.25')),
    })
    .map((fields) => ({ dimension, ...given(fields) })),
);

const unitConversion = fc
  .record({
    operation: fc.constantFrom('multiply' as const, 'divide' as const),
    factor: fc.oneof(positive, fc.constantFrom('60', '1000', '3')),
    weights: seldom(weights),
    rounding: seldom(
      fc.oneof(
        mode,
        fc
          .record({
            mode,
            decimals: seldom(fc.integer({ min: -2, max: 3 })),
            scope: seldom(fc.constantFrom('event' as const, 'total' as const)),
          })
          .map(given),
      ),
    ),
  })
  .map(given);

/** Any modifiers together; each is there in about one of three. */
export const modifiers: fc.Arbitrary<Modifiers> = fc
  .record({
    unitConversion: once(3, unitConversion),
    freeUnits: once(4, units),
    allowance: once(3, fc.record({ units, overagePrice: seldom(price) }).map(given)),
    percentOff: once(3, percentOff),
    limits: fc.tuple(fc.nat(300), fc.nat(900), fc.nat(7)),
    credits: once(
      3,
      fc.array(
        fc.oneof(
          positive,
          amount.filter((text) => /[1-9]/.test(text)),
        ),
        { maxLength: 3 },
      ),
    ),
    rounding: once(
      3,
      fc.record({ mode, scope: seldom(fc.constantFrom('event', 'line', 'charge', 'invoice', 'cumulative')) }).map(given),
    ),
  })
  .map(({ limits: [least, more, which], ...fields }) => ({
    ...given(fields),
    ...((which === 0 || which === 1) && { minimumSpend: String(least) }),
    ...((which === 0 || which === 2) && { maximumSpend: String(least + more) }),
  })) as fc.Arbitrary<Modifiers>;

/** Modifiers that round what each event costs. */
export const modifiersByEvent: fc.Arbitrary<Modifiers> = fc
  .tuple(modifiers, mode)
  .map(([{ freeUnits: _, allowance: __, ...others }, by]) => ({
    ...others,
    rounding: { mode: by, scope: 'event' },
  }));
