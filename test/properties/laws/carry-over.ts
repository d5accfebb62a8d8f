import assert from 'node:assert/strict';
import { type Modifiers, modifiersSchema, termsFaults } from '@meterline/domain/prices';
import { carriedOver, evaluatePrice } from '@meterline/domain/rating';
import fc from 'fast-check';
import { units } from '../arbitraries/numbers.ts';
import { event, inputOf, type Terms, terms, toldBy, wholePeriod } from '../arbitraries/questions.ts';
import { law } from '../law.ts';
import { answerOf } from '../oracle/charge.ts';
import { Rational } from '../oracle/rational.ts';
import { cutAt, pilesOf, type UsageEvent } from '../oracle/usage.ts';

/** Terms whose allowance, of their own or one given to them, carries over. */
const carrying = fc
  .record({ terms, own: units, maximumUnits: fc.option(units) })
  .filter(({ terms: { price, modifiers } }) => {
    const allowance = { ...(modifiers.allowance ?? { units: '1' }), carryOver: { maximumUnits: null } };
    return [...termsFaults(price, { ...modifiers, allowance })].length === 0;
  })
  .map(({ terms: { price, modifiers }, own, maximumUnits }) => {
    const allowance = { ...(modifiers.allowance ?? { units: own }), carryOver: { maximumUnits } };
    return { price, modifiers: modifiersSchema.parse({ ...modifiers, allowance }) };
  });

const months = fc.record({
  whole: wholePeriod,
  terms: carrying,
  usage: fc.array(fc.array(event, { maxLength: 4 }), { minLength: 2, maxLength: 5 }),
});

export const carryOver = [
  law('months chained by what each leaves over cost what the oracle works out', months, ({ whole, terms: made, usage }) => {
    let left = Rational.ZERO;
    for (const now of usage) {
      const question = { ...whole, ...made, now, carriedUnits: left };
      assert.equal(Rational.parse(evaluatePrice(inputOf(question)).total).toText(), answerOf(question).total.toText());
      const told = carriedOver({ ...made, usage: [toldBy(made, now)], carriedUnits: left.toText() });
      left = leftOver(made.modifiers, Rational.sum(usedOf(made, now)), left);
      assert.equal(Rational.parse(told ?? '').toText(), left.toText());
    }
  }),
  law('what is left over does not depend on the parts in which the usage is told', months, ({ terms: made, usage }) => {
    const whole = carriedOver({ ...made, usage: [toldBy(made, usage.flat())] });
    assert.equal(carriedOver({ ...made, usage: usage.map((part) => toldBy(made, part)) }), whole);
  }),
];

/** Units behind conversion and free units. */
function usedOf({ price, modifiers }: Terms, now: readonly UsageEvent[]): Rational[] {
  const piles = pilesOf(now, price, modifiers);
  return cutAt(piles, Rational.parse(modifiers.freeUnits ?? '0')).beyond.map(({ quantity }) => quantity);
}

function leftOver({ allowance }: Modifiers, used: Rational, carried: Rational): Rational {
  const left = Rational.parse(allowance?.units ?? '0')
    .plus(carried)
    .minus(used)
    .most(Rational.ZERO);
  const limit = allowance?.carryOver?.maximumUnits;
  return (limit == null ? left : left.least(Rational.parse(limit))).rounded(12, 'half_up');
}
