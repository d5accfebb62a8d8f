import fc from 'fast-check';
import { Rational } from '../oracle/rational.ts';

const scaled = (units: number, scale: number) => Rational.of(units, 10n ** BigInt(scale)).toText();

/** Decimal text with up to `places` decimals, dense enough that values meet tiers, limits and halves. */
const upTo = (units: number, places: number) => fc.tuple(fc.nat(units), fc.nat(places)).map(([n, scale]) => scaled(n, scale));

/** Money of a price: from nothing to a thousand, up to six decimals. */
export const amount = fc.oneof(upTo(1000, 3), upTo(999_999, 6), fc.constantFrom('0', '0.005', '0.015', '0.00399'));
export const positive = fc.tuple(fc.integer({ min: 1, max: 400 }), fc.nat(2)).map(([n, scale]) => scaled(n, scale));
export const units = fc.oneof(upTo(300, 1), fc.constantFrom('0', '10', '100', '100.000000000001'));
export const percent = fc.oneof(upTo(1000, 2), fc.constantFrom('2.9', '0', '100')).map((text) => text);
export const percentOff = fc.oneof(
  fc.nat(1000).map((n) => scaled(n, 1)),
  fc.constantFrom('0', '100', '33.333333'),
);
/** A value an event carries: often whole, often the same as another, at times nothing. */
export const value = fc.oneof(
  { weight: 5, arbitrary: fc.nat(60).map(String) },
  { weight: 3, arbitrary: upTo(2000, 3) },
  { weight: 1, arbitrary: fc.constantFrom('0', '1', '100', '0.000000000001', '999999999999') },
);
