import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { add, compare, decimal, formatDecimal, subtract, ZERO } from '../money/index.ts';
import { modifiersSchema, priceSchema, type Modifiers, type Price } from '../prices/index.ts';
import { evaluatePrice, type PeriodPosition, type PriceEvaluation } from './index.ts';

type Figure = 'amount' | 'charges' | 'discounts' | 'credits' | 'total' | 'exactAmount';

interface Case {
  readonly id: string;
  readonly currency: string;
  readonly price: { readonly model: string };
  readonly modifiers?: unknown;
  readonly quantity?: string;
  readonly previousQuantity?: string;
  readonly previousAmount?: string;
  readonly periodPosition?: PeriodPosition;
  readonly expected?: Partial<Record<Figure, string>>;
  readonly phases?: readonly { readonly cumulativeQuantity: string; readonly expectedTotal: string }[];
}

const cases = JSON.parse(
  readFileSync(new URL('../../../../test/data/vectors/pricing.json', import.meta.url), 'utf8'),
) as readonly Case[];
const LATER_MODELS = ['dynamic', 'percentage', 'graduated_percentage'];
const ours = cases.filter(({ price }) => !LATER_MODELS.includes(price.model));

describe('figures of established billing systems', () => {
  it('cover 129 cases of the models here, and leave out exactly the 23 of models to come', () => {
    const counts = Object.entries(Object.groupBy(cases, ({ price }) => price.model)).map(([model, list]) => [
      model,
      list?.length,
    ]);
    expect(Object.fromEntries(counts)).toEqual({
      flat: 3,
      per_unit: 33,
      graduated: 37,
      volume: 32,
      package: 24,
      dynamic: 12,
      percentage: 3,
      graduated_percentage: 8,
    });
    expect(ours).toHaveLength(129);
    expect(ours.filter(({ phases }) => phases)).toHaveLength(18);
  });

  it.each(cases.filter(({ price }) => LATER_MODELS.includes(price.model)))('refuse the model of $id by name', ({ price }) => {
    const issues = priceSchema.safeParse(price).error?.issues;
    expect(issues).toMatchObject([
      { path: ['model'], message: 'model must be one of flat, per_unit, graduated, volume, package' },
    ]);
  });

  it.each(ours.filter(({ phases }) => !phases))('$id', (item) => {
    const evaluation = evaluatePrice({ ...item, ...checked(item), quantity: item.quantity ?? 'absent' });
    const expected = Object.entries(item.expected ?? {});
    expect(expected.length).toBeGreaterThan(0);
    for (const [figure, value] of expected) {
      expect(`${figure} ${plain(evaluation[figure as Figure])}`).toBe(`${figure} ${plain(value)}`);
    }
    expectToAddUp(evaluation);
  });

  it.each(ours.filter(({ phases }) => phases))('$id, billed step by step', (item) => {
    const phases = item.phases ?? [];
    const { price, modifiers } = checked(item);
    let billed = ZERO;
    for (const [index, { cumulativeQuantity, expectedTotal }] of phases.entries()) {
      const { minimumSpend, ...others } = modifiers;
      const applied = index === phases.length - 1 && minimumSpend !== undefined ? { ...others, minimumSpend } : others;
      const whole = evaluatePrice({ currency: item.currency, price, modifiers: applied, quantity: cumulativeQuantity });
      expect(formatDecimal(subtract(decimal(whole.total), billed))).toBe(plain(expectedTotal));
      billed = decimal(whole.total);
    }
    expect(phases.length).toBeGreaterThan(0);
  });
});

function checked(item: Case): { price: Price; modifiers: Modifiers } {
  return { price: priceSchema.parse(item.price), modifiers: modifiersSchema.parse(item.modifiers ?? {}) };
}

function plain(text: string): string {
  return formatDecimal(decimal(text));
}

function expectToAddUp(evaluation: PriceEvaluation): void {
  const lines = evaluation.lines.map(({ amount }) => decimal(amount)).reduce(add, ZERO);
  expect(compare(lines, decimal(evaluation.exactAmount))).toBe(0);
  const { amount, charges, discounts, credits, total } = evaluation;
  const parts = subtract(add(decimal(amount), decimal(charges)), add(decimal(discounts), decimal(credits)));
  expect(compare(parts, decimal(total))).toBe(0);
}
