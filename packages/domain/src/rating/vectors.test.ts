import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { add, compare, decimal, formatDecimal, subtract, ZERO } from '../money/index.ts';
import { modifiersSchema, priceSchema, type Modifiers, type Price } from '../prices/index.ts';
import { compilePrice, evaluatePrice, type PeriodPosition, type PriceEvaluation, totalOf } from './index.ts';

type Figure = 'amount' | 'charges' | 'discounts' | 'credits' | 'total' | 'exactAmount';

interface Case {
  readonly id: string;
  readonly currency: string;
  readonly price: { readonly model: string };
  readonly modifiers?: unknown;
  readonly quantity?: string;
  readonly eventsCount?: number;
  readonly previousQuantity?: string;
  readonly previousAmount?: string;
  readonly periodPosition?: PeriodPosition;
  readonly expected?: Partial<Record<Figure, string>>;
  readonly phases?: readonly { readonly cumulativeQuantity: string; readonly expectedTotal: string }[];
}

const cases = JSON.parse(
  readFileSync(new URL('../../../../test/data/vectors/pricing.json', import.meta.url), 'utf8'),
) as readonly Case[];

describe('figures of established billing systems', () => {
  it('cover 152 cases of eight models', () => {
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
    expect(cases.filter(({ phases }) => phases)).toHaveLength(22);
  });

  it.each(cases.filter(({ phases }) => !phases))('$id', (item) => {
    const evaluation = evaluatePrice({
      ...item,
      ...checked(item),
      quantity: item.quantity ?? 'absent',
      eventsCount: item.eventsCount?.toString(),
    });
    const expected = Object.entries(item.expected ?? {});
    expect(expected.length).toBeGreaterThan(0);
    for (const [figure, value] of expected) {
      expect(`${figure} ${plain(evaluation[figure as Figure])}`).toBe(`${figure} ${plain(value)}`);
    }
    expectToAddUp(evaluation);
  });

  it.each(cases.filter(({ phases }) => phases))('$id, billed step by step', (item) => {
    const phases = item.phases ?? [];
    const price = compilePrice({ currency: item.currency, ...checked(item) });
    let billed = ZERO;
    for (const [index, { cumulativeQuantity, expectedTotal }] of phases.entries()) {
      const due = totalOf(
        price.chargeSoFar({
          usage: { quantity: cumulativeQuantity },
          previousAmount: formatDecimal(billed),
          periodPosition: index === phases.length - 1 ? 'last' : 'first',
        }),
      );
      expect(formatDecimal(due)).toBe(plain(expectedTotal));
      billed = add(billed, due);
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
