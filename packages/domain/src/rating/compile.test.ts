import { describe, expect, it } from 'vitest';
import type { Modifiers, Price } from '../prices/index.ts';
import { compilePrice, evaluatePrice, evaluationOf, explanationOf, rateCardCharge, ratePricedParts, totalOf } from './index.ts';

const unit: Price = { model: 'per_unit', unitAmount: '1' };

describe('a charge rounded over the period so far', () => {
  const modifiers: Modifiers = { minimumSpend: '50', rounding: { mode: 'half_up', scope: 'cumulative' } };
  const due = (periodPosition?: 'first' | 'middle' | 'last') =>
    evaluatePrice({ currency: 'USD', price: unit, modifiers, quantity: '20', previousQuantity: '10', periodPosition }).total;

  it('takes what was billed before from the usage before, as the part it was', () => {
    // A whole period of 10 had paid its minimum of 50; parts before the last had paid their 10.
    expect([due(), due('first'), due('middle'), due('last')]).toEqual(['0.00', '20.00', '20.00', '40.00']);
  });
});

it('every line made round says what it was before, the others nothing', () => {
  const modifiers: Modifiers = { percentOff: '50', minimumSpend: '3', rounding: { mode: 'up', scope: 'line' } };
  const { lines } = evaluatePrice({
    currency: 'USD',
    price: { model: 'per_unit', unitAmount: '0.333' },
    modifiers,
    quantity: '1',
  });
  expect(lines.map(({ kind, amount, context }) => [kind, amount, context])).toEqual([
    ['unit', '0.34', { roundedFrom: '0.333' }],
    ['discount', '-0.17', undefined],
    ['minimum', '2.83', undefined],
  ]);
  const credits: Modifiers = { credits: ['0.005'], rounding: { mode: 'up', scope: 'line' } };
  const paid = evaluatePrice({ currency: 'USD', price: unit, modifiers: credits, quantity: '1' });
  expect(paid.lines.at(-1)).toMatchObject({ kind: 'credit', amount: '-0.01', context: { roundedFrom: '-0.005' } });
});

it('a charge is told in English unless another language is asked for, its rounding last', () => {
  const price: Price = { model: 'per_unit', unitAmount: '0.125' };
  const charged = compilePrice({ currency: 'USD', price }).charge({ usage: { quantity: '1', events: 1 } });
  const { lines, rounding } = evaluationOf(charged);
  expect(lines.map(({ description }) => description)).toEqual(['1 unit at 0.125']);
  expect(rounding).toMatchObject({ kind: 'rounding', amount: '0.005' });
  expect(explanationOf(charged, totalOf(charged))).toEqual([...lines, rounding]);
  expect(explanationOf(charged, totalOf(charged), 'zh').map(({ description }) => description)).toEqual(
    [...evaluationOf(charged, 'zh').lines, evaluationOf(charged, 'zh').rounding].map((line) => line?.description),
  );
  const whole = compilePrice({ currency: 'USD', price }).charge({ usage: { quantity: '8', events: 1 } });
  expect(evaluationOf(whole).rounding).toBeNull();
  expect(explanationOf(whole, totalOf(whole)).map(({ kind }) => kind)).toEqual(['unit']);
});

it('a card without a meter has no usage, whatever is said', () => {
  const overage = { units: '0', overagePrice: unit };
  const rateCard = {
    key: 'base',
    name: 'Base',
    price: { model: 'flat' as const, amount: '5' },
    modifiers: { allowance: overage },
  };
  const usage = { quantity: '7', events: 1 };
  expect(rateCardCharge({ currency: 'USD', rateCard, usage }).total).toBe('5.00');
  expect(rateCardCharge({ currency: 'USD', rateCard: { ...rateCard, meter: 'minutes' }, usage }).total).toBe('12.00');
});

it('a period with one price keeps its limits whole, however few its days', () => {
  const period = (parts: { days: number; modifiers: Modifiers }[]) =>
    ratePricedParts({
      currency: 'USD',
      daysInPeriod: 30,
      parts: parts.map((part) => ({ ...part, price: unit, usage: { quantity: '1', events: 1 } })),
    });
  expect(period([{ days: 0, modifiers: { minimumSpend: '30' } }]).total).toBe('30.00');
  expect(
    period([
      { days: 0, modifiers: { minimumSpend: '30' } },
      { days: 0, modifiers: { minimumSpend: '30' } },
    ]).total,
  ).toBe('2.00');
  const { lines } = period([
    { days: 10, modifiers: {} },
    { days: 10, modifiers: { minimumSpend: '30' } },
  ]);
  expect(lines.map(({ kind, amount, context }) => [kind, amount, context?.version])).toEqual([
    ['unit', '1', 1],
    ['unit', '1', 2],
    ['minimum', '13', undefined],
  ]);
});

it('what was billed of a period is a line of what is due of it', () => {
  const charged = compilePrice({ currency: 'USD', price: unit }).chargeSoFar({
    usage: { quantity: '7', events: 1 },
    previousAmount: '5',
  });
  const { lines, total } = evaluationOf(charged);
  expect(lines.map(({ kind, amount, facts }) => [kind, amount, facts])).toEqual([
    ['unit', '7', { type: 'units' }],
    ['billed', '-5', { type: 'billed_before' }],
  ]);
  expect(total).toBe('2.00');
});

it('a volume price that changes finds its tier by all units of the period, converted', () => {
  const tiers = (unitAmount: string) => [
    { upTo: '50', unitAmount: '9' },
    { upTo: null, unitAmount },
  ];
  const modifiers: Modifiers = { unitConversion: { operation: 'divide', factor: '60' }, freeUnits: '10' };
  const part = (unitAmount: string, quantity: string) => ({
    price: { model: 'volume' as const, tiers: tiers(unitAmount) },
    modifiers,
    usage: { quantity, events: 1 },
    days: 15,
  });
  // 20 and 80 minutes, the first 10 free: 10 at 2 and 80 at 1, as 90 are beyond 50.
  expect(ratePricedParts({ currency: 'USD', parts: [part('2', '1200'), part('1', '4800')], daysInPeriod: 30 }).total).toBe(
    '100.00',
  );
});
