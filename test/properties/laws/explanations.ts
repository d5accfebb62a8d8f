import assert from 'node:assert/strict';
import { describe, evaluatePrice, type RatedLine } from '@meterline/domain/rating';
import { inputOf, partOfPeriod } from '../arbitraries/questions.ts';
import { law } from '../law.ts';
import { Rational } from '../oracle/rational.ts';

/** What of a quantity is not written out (18 digits) may show by this much in a product of it. */
const SLACK = Rational.of(1n, 10n ** 6n);

export const explanations = [
  law('every explanation adds up to its amount', partOfPeriod, (question) => {
    const { lines, rounding, ...figures } = evaluatePrice(inputOf(question));
    const read = (text: string) => Rational.parse(text);
    const exact = Rational.sum(lines.map((line) => read(line.amount)));
    assert.equal(exact.toText(), figures.exactAmount);
    assert.equal(exact.plus(read(rounding?.amount ?? '0')).toText(), read(figures.total).toText());
    assert.equal(rounding === null, exact.equals(read(figures.total)));
    const { amount, charges, discounts, credits, total } = figures;
    assert.equal(read(amount).plus(read(charges)).minus(read(discounts)).minus(read(credits)).toText(), read(total).toText());
  }),
  law('every line of an explanation is the product of the numbers it tells', partOfPeriod, (question) => {
    for (const line of evaluatePrice(inputOf(question)).lines) {
      const product = productOf(line);
      if (product === null) continue;
      const told = Rational.parse(line.context?.roundedFrom ?? line.amount);
      assert.ok(!told.minus(product).most(product.minus(told)).isAbove(SLACK), `${line.description}: ${line.amount}`);
    }
  }),
  law('every line has a sentence in every language, from its data alone', partOfPeriod, (question) => {
    const { lines, rounding } = evaluatePrice(inputOf(question));
    for (const line of [...lines, ...(rounding ? [rounding] : [])]) {
      const kept = JSON.parse(JSON.stringify(line)) as RatedLine;
      assert.equal(describe(kept, 'en'), line.description);
      for (const sentence of [describe(kept, 'en'), describe(kept, 'zh')]) {
        assert.doesNotMatch(sentence, /undefined|null|NaN|\[object|^\s*$/);
      }
      assert.match(describe(kept, 'zh'), /[\u4e00-\u9fff]/);
    }
  }),
];

const BY_UNIT: ReadonlySet<string> = new Set(['units', 'tier_units', 'packages', 'event_fees']);
const NOTHING: ReadonlySet<string> = new Set([
  'free_units',
  'allowance',
  'free_events',
  'free_amount',
  'no_price',
  'converted',
  'weighted',
]);

/** What the line's own numbers come to; null where it is no product. */
function productOf({ facts, quantity, unitAmount }: RatedLine): Rational | null {
  const count = Rational.parse(quantity ?? '0');
  const unit = Rational.parse(unitAmount ?? '0');
  if (BY_UNIT.has(facts.type)) return count.times(unit);
  if (NOTHING.has(facts.type)) return Rational.ZERO;
  if ('rate' in facts) return count.times(Rational.parse(facts.rate)).over(Rational.of(100));
  if ('multiplier' in facts) return count.times(Rational.parse(facts.multiplier));
  if (facts.type !== 'seats' && facts.type !== 'seat_change') return null;
  return count.times(unit).times(Rational.of(BigInt(facts.days ?? '1'), BigInt(facts.daysInPeriod ?? '1')));
}
