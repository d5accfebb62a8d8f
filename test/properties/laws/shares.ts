import assert from 'node:assert/strict';
import { allocate, decimal, formatDecimal } from '@meterline/domain/money';
import { unitsCarriedOver } from '@meterline/domain/rating';
import fc from 'fast-check';
import { units, value } from '../arbitraries/numbers.ts';
import { law } from '../law.ts';
import { Rational } from '../oracle/rational.ts';

const weights = fc.array(value, { minLength: 1, maxLength: 8 }).filter((list) => list.some((text) => /[1-9]/.test(text)));
const total = fc
  .tuple(fc.integer({ min: -1_000_000, max: 1_000_000 }), fc.nat(4))
  .map(([n, scale]) => Rational.of(n, 10n ** BigInt(scale)));

export const shares = [
  law('shares by largest remainder sum to what is shared', fc.tuple(total, weights, fc.nat(3)), ([amount, list, places]) => {
    const made = allocate(decimal(amount.toText()), list.map(decimal), places).map((share) =>
      Rational.parse(formatDecimal(share)),
    );
    const whole = amount.rounded(places, 'half_up');
    assert.equal(Rational.sum(made).toText(), whole.toText());
    assert.deepEqual(
      made.map((share) => share.toText()),
      sharesOf(whole, list.map(Rational.parse), places).map((share) => share.toText()),
    );
  }),
  law(
    'units carried over are what was granted and not used, up to the limit',
    fc.tuple(units, units, units, fc.option(units)),
    ([own, carriedUnits, used, maximumUnits]) => {
      const [granted, spent] = [Rational.parse(own).plus(Rational.parse(carriedUnits)), Rational.parse(used)];
      const left = granted.minus(spent).most(Rational.ZERO);
      const limit = maximumUnits === null ? left : Rational.parse(maximumUnits);
      const carried = unitsCarriedOver({ units: own, carryOver: { maximumUnits } }, { used, carriedUnits });
      assert.equal(Rational.parse(carried).toText(), left.least(limit).toText());
      assert.equal(unitsCarriedOver({ units: own }, { used, carriedUnits }), '0');
    },
  ),
];

/** Unit by unit to whoever lacks most of the share that is due; of equals to the first. */
function sharesOf(whole: Rational, list: readonly Rational[], places: number): Rational[] {
  const unit = Rational.of(1n, 10n ** BigInt(places));
  const size = whole.most(whole.negated());
  const all = Rational.sum(list);
  const exact = list.map((weight) => size.times(weight).over(all));
  const cut = exact.map((share) => share.rounded(places, 'floor'));
  for (let left = size.minus(Rational.sum(cut)); left.isAbove(Rational.ZERO); left = left.minus(unit)) {
    const lacks = exact.map((share, index) => share.minus(cut[index] ?? Rational.ZERO));
    const most = lacks.reduce((best, lack, index) => (lack.isAbove(lacks[best] ?? Rational.ZERO) ? index : best), 0);
    cut[most] = (cut[most] ?? Rational.ZERO).plus(unit);
  }
  return whole.top < 0n ? cut.map((share) => share.negated()) : cut;
}
