import assert from 'node:assert/strict';
import type { Tier } from '@meterline/domain/prices';
import { evaluatePrice } from '@meterline/domain/rating';
import fc from 'fast-check';
import { units, value } from '../arbitraries/numbers.ts';
import { tiers } from '../arbitraries/prices.ts';
import { law } from '../law.ts';
import { Rational } from '../oracle/rational.ts';

const usage = fc.oneof(units, value).map((text) => Rational.parse(text));

export const growth = [
  law('a graduated total never falls as usage grows', fc.tuple(tiers, usage, usage), ([list, a, b]) => {
    assert.ok(!costOf(list, a.least(b)).isAbove(costOf(list, a.most(b))));
  }),
  law(
    'a graduated total jumps at a tier by its flat amount, and nowhere else',
    fc.tuple(tiers, usage, fc.integer({ min: 1, max: 12 })),
    ([list, anywhere, places]) => {
      const step = Rational.of(1n, 10n ** BigInt(places));
      const bounds = list.flatMap(({ upTo }) => (upTo === null ? [] : [Rational.parse(upTo)]));
      for (const from of [...bounds, anywhere]) {
        const to = from.plus(step);
        const reached = list.find(({ upTo }) => upTo === null || !to.isAbove(Rational.parse(upTo)));
        // A step that ends in the tier it began in, or in the one that begins here.
        if (bounds.some((bound) => bound.isAbove(from) && to.isAbove(bound))) continue;
        const entered = bounds.some((bound) => bound.equals(from));
        const stated = Rational.parse(entered ? (reached?.flatAmount ?? '0') : '0');
        const climbed = costOf(list, to).minus(costOf(list, from));
        assert.equal(climbed.toText(), stated.plus(step.times(Rational.parse(reached?.unitAmount ?? '0'))).toText());
      }
    },
  ),
];

function costOf(list: Tier[], quantity: Rational): Rational {
  const price = { model: 'graduated' as const, tiers: list };
  return Rational.parse(evaluatePrice({ currency: 'USD', price, quantity: quantity.toText() }).exactAmount);
}
