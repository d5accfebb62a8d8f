import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { followed } from '../../../../test/support/lifecycle-vectors.ts';
import { compare, decimal, formatDecimal } from '../money/index.ts';
import { alertLevels, alertRuleFaults, crossedThresholds, type AlertRule } from './alert-rule.ts';

interface ThresholdCase {
  readonly id: string;
  readonly kind: string;
  readonly thresholds: readonly string[];
  readonly previous: string;
  readonly current: string;
  readonly expect: readonly string[];
}

const rule = (change: Partial<AlertRule>): AlertRule => ({
  key: 'r',
  customer: 'acme',
  plan: null,
  budget: null,
  thresholds: ['10'],
  ...change,
});
const paths = (change: Partial<AlertRule>) => alertRuleFaults(rule(change)).map((fault) => fault.path);

describe('published figures', () => {
  test.each(followed<ThresholdCase>('alert_thresholds').map((each) => [each.id, each] as const))('%s', (_, each) => {
    const levels = alertLevels({ thresholds: each.thresholds, budget: null });
    const crossed = crossedThresholds(levels, decimal(each.current), decimal(each.previous));
    expect(crossed.map((level) => level.threshold)).toEqual(each.expect);
  });
});

test('a percentage is a share of the budget, and levels come lowest first', () => {
  // 80 % of 62.50 is 50.00, between 12 and 62.50
  const levels = alertLevels({ thresholds: ['100%', '80%', '12.00'], budget: '62.50' });
  expect(levels.map((level) => [level.threshold, formatDecimal(level.amount)])).toEqual([
    ['12.00', '12'],
    ['80%', '50'],
    ['100%', '62.5'],
  ]);
});

test('a level that is just met is reached, one that is missed by the smallest unit is not', () => {
  const levels = alertLevels({ thresholds: ['50.00'], budget: null });
  expect(crossedThresholds(levels, decimal('50'))).toHaveLength(1);
  expect(crossedThresholds(levels, decimal('49.999999999999'))).toHaveLength(0);
});

test('however spend climbs, every level up to the highest spend is crossed exactly once', () => {
  const cents = fc.integer({ min: 1, max: 10_000 });
  fc.assert(
    fc.property(
      fc.uniqueArray(cents, { minLength: 1, maxLength: 20 }),
      fc.array(cents, { maxLength: 30 }),
      (thresholds, steps) => {
        const levels = alertLevels({ thresholds: thresholds.map(String), budget: null });
        const climb = [0, ...steps.toSorted((a, b) => a - b)].map((cent) => decimal(String(cent)));
        const fired = climb.slice(1).flatMap((spend, i) => crossedThresholds(levels, spend, climb[i]));
        const top = climb.at(-1) ?? decimal('0');
        expect(fired).toEqual(levels.filter((level) => compare(level.amount, top) <= 0));
      },
    ),
  );
});

describe('a rule is refused', () => {
  test('unless it names exactly one of customer and plan', () => {
    expect(paths({ plan: 'pro' })).toEqual(['customer']);
    expect(paths({ customer: null })).toEqual(['customer']);
    expect(paths({ customer: null, plan: 'pro' })).toEqual([]);
  });
  test('with a percentage and no budget', () => {
    expect(paths({ thresholds: ['10', '80%'] })).toEqual(['thresholds[1]']);
  });
  test('with anything but amounts and percentages above zero', () => {
    const thresholds = ['0', '-5', '1e3', '0.00%', '%', 'ten', ''];
    expect(paths({ thresholds, budget: '100' })).toEqual(thresholds.map((_, index) => `thresholds[${index}]`));
    expect(paths({ budget: '0' })).toEqual(['budget']);
  });
  test('with two thresholds that come to the same money', () => {
    expect(paths({ thresholds: ['50.00', '50'] })).toEqual(['thresholds[1]']);
    expect(paths({ thresholds: ['25%', '50'], budget: '200' })).toEqual(['thresholds[1]']);
  });
  test('with none or more than twenty thresholds', () => {
    expect(paths({ thresholds: [] })).toEqual(['thresholds']);
    expect(paths({ thresholds: Array.from({ length: 21 }, (_, i) => String(i + 1)) })).toEqual(['thresholds']);
  });
});
