import { Decimal as Oracle } from 'decimal.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { modifiersSchema, priceSchema, type Modifiers, type Price, type Tier } from '../prices/index.ts';
import { evaluatePrice, type PriceEvaluation } from './index.ts';

Oracle.set({ precision: 200, toExpNeg: -200, toExpPos: 200 });

const text = (units: number, scale: number) => new Oracle(units).div(new Oracle(10).pow(scale)).toFixed();
const amount = fc.tuple(fc.nat(100_000), fc.nat(6)).map(([units, scale]) => text(units, scale));
const positive = fc.tuple(fc.integer({ min: 1, max: 5000 }), fc.nat(3)).map(([units, scale]) => text(units, scale));
const usage = fc.tuple(fc.nat(2_000_000), fc.nat(4)).map(([units, scale]) => text(units, scale));

const tiers: fc.Arbitrary<Tier[]> = fc
  .tuple(
    fc.uniqueArray(fc.integer({ min: 1, max: 2000 }), { maxLength: 4 }),
    fc.array(fc.record({ unitAmount: amount, flatAmount: amount }), { minLength: 5, maxLength: 5 }),
  )
  .map(([bounds, amounts]) => {
    const uppers = [...bounds.toSorted((a, b) => a - b).map((bound) => text(bound, 1)), null];
    return uppers.map((upTo, index) => ({ upTo, unitAmount: '0', ...amounts[index] }));
  });
const price: fc.Arbitrary<Price> = fc.oneof(
  amount.map((unitAmount) => ({ model: 'per_unit' as const, unitAmount })),
  tiers.map((list) => ({ model: 'graduated' as const, tiers: list })),
  tiers.map((list) => ({ model: 'volume' as const, tiers: list })),
  fc.record({
    model: fc.constant('package' as const),
    packageSize: positive,
    packageAmount: amount,
    freeUnits: usage,
    blocks: fc.constantFrom('up' as const, 'down' as const, 'prorated' as const),
  }),
  fc.record({ model: fc.constant('flat' as const), amount }),
);
const modifiers: fc.Arbitrary<Modifiers> = fc.record(
  {
    unitConversion: fc.record({ operation: fc.constantFrom('divide' as const, 'multiply' as const), factor: positive }),
    freeUnits: usage,
    allowance: fc.record({ units: usage, overagePrice: price }),
    percentOff: fc.integer({ min: 0, max: 1000 }).map((tenths) => text(tenths, 1)),
    minimumSpend: fc.nat(100).map(String),
    maximumSpend: fc.integer({ min: 100, max: 1000 }).map(String),
    credits: fc.array(positive, { maxLength: 3 }),
    rounding: fc.record({ mode: fc.constantFrom('half_up' as const, 'half_even' as const, 'up' as const, 'down' as const) }),
  },
  { requiredKeys: [] },
);

const evaluate = (of: Price, quantity: string, more: { modifiers?: Modifiers; previousQuantity?: string } = {}) =>
  evaluatePrice({ currency: 'USD', price: of, quantity, ...more });
const exact = (evaluation: PriceEvaluation) => new Oracle(evaluation.exactAmount);

/** The definition itself: what each tier holds of the usage, and every fee of a tier entered. */
function graduatedOracle(list: readonly Tier[], quantity: Oracle): Oracle {
  let lower = new Oracle(0);
  let sum = new Oracle(0);
  list.forEach(({ upTo, unitAmount, flatAmount = '0' }, index) => {
    const upper = upTo === null ? quantity : Oracle.min(quantity, upTo);
    if (index === 0 || quantity.greaterThan(lower)) sum = sum.plus(flatAmount);
    if (upper.greaterThan(lower)) sum = sum.plus(upper.minus(lower).times(unitAmount));
    if (upTo !== null) lower = new Oracle(upTo);
  });
  return sum;
}

describe('every price', () => {
  it('passes its schema, and its lines add up to the exact amount and its parts to the total', () => {
    fc.assert(
      fc.property(price, modifiers, usage, usage, (of, changes, quantity, previousQuantity) => {
        priceSchema.parse(of);
        const evaluation = evaluate(of, quantity, { modifiers: modifiersSchema.parse(changes), previousQuantity });
        const lines = evaluation.lines.reduce((sum, line) => sum.plus(line.amount), new Oracle(0));
        expect(lines.toFixed()).toBe(exact(evaluation).toFixed());
        const { amount: asked, charges, discounts, credits, total } = evaluation;
        expect(new Oracle(asked).plus(charges).minus(discounts).minus(credits).toFixed(2)).toBe(total);
        expect(exact(evaluation).minus(total).abs().lessThan('0.01')).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps the period between its minimum and its maximum', () => {
    fc.assert(
      fc.property(price, usage, fc.nat(500), fc.nat(500), (of, quantity, low, more) => {
        const evaluation = evaluate(of, quantity, { modifiers: { minimumSpend: String(low), maximumSpend: String(low + more) } });
        expect(new Oracle(evaluation.total).greaterThanOrEqualTo(low)).toBe(true);
        expect(new Oracle(evaluation.total).lessThanOrEqualTo(low + more)).toBe(true);
      }),
    );
  });
});

describe('graduated prices', () => {
  it('agree with their definition computed independently', () => {
    fc.assert(
      fc.property(tiers, usage, (list, quantity) => {
        const expected = graduatedOracle(list, new Oracle(quantity));
        const evaluation = evaluate({ model: 'graduated', tiers: list }, quantity);
        expect(exact(evaluation).toFixed()).toBe(expected.toFixed());
        expect(evaluation.total).toBe(expected.toFixed(2, Oracle.ROUND_HALF_UP));
      }),
    );
  });

  it('never fall as usage grows, and jump at a tier by its flat amount and one step alone', () => {
    const step = new Oracle('0.0001');
    fc.assert(
      fc.property(tiers, usage, usage, (list, a, b) => {
        const of: Price = { model: 'graduated', tiers: list };
        const [less, greater] = new Oracle(a).lessThan(b) ? [a, b] : [b, a];
        expect(exact(evaluate(of, less)).lessThanOrEqualTo(exact(evaluate(of, greater)))).toBe(true);
        list.forEach(({ upTo }, index) => {
          const next = list[index + 1];
          if (upTo === null || !next) return;
          const jump = exact(evaluate(of, step.plus(upTo).toFixed())).minus(exact(evaluate(of, upTo)));
          expect(jump.toFixed()).toBe(
            step
              .times(next.unitAmount)
              .plus(next.flatAmount ?? '0')
              .toFixed(),
          );
        });
      }),
    );
  });
});

describe('a period billed in parts', () => {
  it.each(['per_unit', 'graduated', 'volume', 'package'])('sums exactly to the whole with a %s price', (model) => {
    fc.assert(
      fc.property(
        price.filter((of) => of.model === model),
        fc.option(fc.integer({ min: 1, max: 90 }), { nil: undefined }),
        fc.array(
          usage.filter((quantity) => quantity !== '0'),
          { minLength: 1, maxLength: 5 },
        ),
        (of, factor, quantities) => {
          const changes: Modifiers = { freeUnits: '12.5' };
          const all: Modifiers =
            factor === undefined
              ? changes
              : { ...changes, unitConversion: { operation: 'divide', factor: String(factor), rounding: 'up' } };
          let before = new Oracle(0);
          let billed = new Oracle(0);
          for (const quantity of quantities) {
            billed = billed.plus(exact(evaluate(of, quantity, { modifiers: all, previousQuantity: before.toFixed() })));
            before = before.plus(quantity);
          }
          const whole = exact(evaluate(of, before.toFixed(), { modifiers: all }));
          // Prorated blocks may be endless fractions, written to 18 digits in every part.
          const slack = of.model === 'package' && of.blocks === 'prorated' ? '1e-17' : '0';
          expect(billed.minus(whole).abs().lessThanOrEqualTo(slack)).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('volume and package prices', () => {
  it('agree with their definitions computed independently', () => {
    fc.assert(
      fc.property(tiers, positive, amount, usage, usage, (list, packageSize, packageAmount, freeUnits, quantity) => {
        const used = new Oracle(quantity);
        const tier = list.find(({ upTo }) => upTo === null || used.lessThanOrEqualTo(upTo));
        const volume = used.times(tier?.unitAmount ?? '0').plus(tier?.flatAmount ?? '0');
        expect(exact(evaluate({ model: 'volume', tiers: list }, quantity)).toFixed()).toBe(volume.toFixed());
        const packages = Oracle.max(0, used.minus(freeUnits)).div(packageSize).ceil();
        const evaluation = evaluate({ model: 'package', packageSize, packageAmount, freeUnits }, quantity);
        expect(exact(evaluation).toFixed()).toBe(packages.times(packageAmount).toFixed());
      }),
    );
  });
});
