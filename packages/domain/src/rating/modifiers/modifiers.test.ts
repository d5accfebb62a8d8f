import { describe, expect, it } from 'vitest';
import { type Modifiers, type Price, priceSchema } from '../../prices/index.ts';
import { compilePrice, evaluatePrice, evaluationOf, type PriceInput, unitsCarriedOver } from '../index.ts';

const unit: Price = { model: 'per_unit', unitAmount: '1' };
const evaluate = (modifiers: Modifiers, input: Partial<PriceInput>, price: unknown = unit) =>
  evaluatePrice({ currency: 'USD', price: priceSchema.parse(price), modifiers, quantity: '0', ...input });
const told = (...args: Parameters<typeof evaluate>) =>
  evaluate(...args).lines.map(({ kind, description, amount }) => `${kind}: ${description} = ${amount}`);
const values = (...texts: string[]) => texts.map((value) => ({ value, events: 1 }));

describe('unit conversion', () => {
  it('rounds the total, or every event', () => {
    const seconds = { quantity: '130', eventsCount: '3', values: values('61', '9', '60') };
    const minutes = (scope: 'event' | 'total'): Modifiers => ({
      unitConversion: { operation: 'divide', factor: '60', rounding: { mode: 'up', scope } },
    });
    expect(told(minutes('total'), seconds)[0]).toBe('conversion: 130 / 60 = 3 units, rounded up to 0 decimals = 0');
    // 2 + 1 + 1 minutes
    expect(told(minutes('event'), seconds)).toEqual([
      'conversion: 130 / 60 = 4 units, each event rounded up to 0 decimals = 0',
      'unit: 4 units at 1 = 4',
    ]);
  });

  it('rounds to tens where decimals are below zero', () => {
    const tens: Modifiers = {
      unitConversion: { operation: 'multiply', factor: '2', rounding: { mode: 'half_even', decimals: -1 } },
    };
    expect(evaluate(tens, { quantity: '12.5' }).exactAmount).toBe('20');
    expect(evaluate(tens, { quantity: '17.5' }).exactAmount).toBe('40');
  });

  it('weighs usage by a dimension, with a default, and rounds events where asked', () => {
    const weights = { dimension: 'class', factors: { hd: '4' }, default: '0.5' };
    const groups = [
      { dimensions: { class: 'hd' }, quantity: '90', values: values('30', '60') },
      { dimensions: { class: 'other' }, quantity: '60', values: values('60') },
    ];
    const weigh = (scope: 'event' | 'total'): Modifiers => ({
      unitConversion: { operation: 'divide', factor: '60', weights, rounding: { mode: 'up', scope } },
    });
    // (90 * 4 + 60 * 0.5) / 60 = 6.5; by events 2 + 4 + 1
    expect(told(weigh('total'), { quantity: '150', groups })).toEqual([
      'conversion: 90 units of hd count 4 each: 360 = 0',
      'conversion: 60 units of other count 0.5 each: 30 = 0',
      'conversion: 390 / 60 = 7 units, rounded up to 0 decimals = 0',
      'unit: 7 units at 1 = 7',
    ]);
    expect(evaluate(weigh('event'), { quantity: '150', groups }).exactAmount).toBe('7');
    const one: Modifiers = {
      unitConversion: { operation: 'multiply', factor: '1', weights: { dimension: 'class', factors: { hd: '4' } } },
    };
    expect(evaluate(one, { quantity: '150', groups }).exactAmount).toBe('420');
  });

  it('says nothing where it changes nothing', () => {
    expect(told({ unitConversion: { operation: 'multiply', factor: '1' } }, { quantity: '3' })).toEqual([
      'unit: 3 units at 1 = 3',
    ]);
  });
});

describe('allowance', () => {
  const allowance = { units: '10', carryOver: { maximumUnits: '5' } };

  it('grants what earlier periods left over, and tells it', () => {
    expect(told({ allowance }, { quantity: '20', carriedUnits: '4' })).toEqual([
      'included: 14 units included in an allowance of 10 and 4 carried over = 0',
      'unit: 6 units at 1 = 6',
    ]);
  });

  it('carries over what was not used, of its own and of what came before, up to its limit', () => {
    expect(unitsCarriedOver(allowance, { used: '7' })).toBe('3');
    expect(unitsCarriedOver(allowance, { used: '7', carriedUnits: '1.5' })).toBe('4.5');
    expect(unitsCarriedOver(allowance, { used: '7', carriedUnits: '4' })).toBe('5');
    expect(unitsCarriedOver(allowance, { used: '11' })).toBe('0');
    expect(unitsCarriedOver(allowance, { used: '-3' })).toBe('5');
    expect(unitsCarriedOver({ ...allowance, carryOver: { maximumUnits: null } }, { used: '0', carriedUnits: '90' })).toBe('100');
    expect(unitsCarriedOver({ units: '10' }, { used: '0' })).toBe('0');
  });

  it('takes any price for overage', () => {
    const overagePrice = priceSchema.parse({
      model: 'volume',
      tiers: [
        { upTo: '5', unitAmount: '2' },
        { upTo: null, unitAmount: '1', flatAmount: '3' },
      ],
    });
    const bundle: Modifiers = { allowance: { units: '10', overagePrice } };
    const fee = { model: 'flat', amount: '50' };
    expect(['10', '15', '16'].map((quantity) => evaluate(bundle, { quantity }, fee).total)).toEqual(['50.00', '60.00', '59.00']);
  });
});

describe('rounding', () => {
  it('of events rounds what each costs, and tells the difference', () => {
    const up: Modifiers = { rounding: { mode: 'up', scope: 'event' } };
    const price = { model: 'per_unit', unitAmount: '0.003' };
    expect(told(up, { quantity: '6', values: values('1', '2', '3') }, price)).toEqual([
      'unit: 6 units at 0.003 = 0.018',
      'rounding: Rounded up, each event: 0.018 becomes 0.03 = 0.012',
    ]);
    const percentage = { model: 'percentage', rate: '1', fixedAmount: '0.001', minimumPerEvent: '0.005' };
    // 0.011 -> 0.02; 0.002, raised to 0.005 -> 0.01
    expect(evaluate(up, { quantity: '1.1', values: values('1', '0.1') }, percentage).total).toBe('0.03');
    const dynamic = { model: 'dynamic', multiplier: '0.001' };
    expect(evaluate(up, { quantity: '6', values: values('1', '2', '3') }, dynamic).total).toBe('0.03');
    const matrix = { model: 'matrix', dimensions: ['d'], cells: [{ match: { d: 'a' }, price }] };
    const groups = [
      { dimensions: { d: 'a' }, quantity: '3', values: values('1', '2') },
      { dimensions: { d: 'b' }, quantity: '3', values: values('3') },
    ];
    expect(evaluate(up, { quantity: '6', groups }, matrix).total).toBe('0.02');
  });

  it('of lines keeps what each was before', () => {
    const [line] = evaluate({ rounding: { mode: 'half_up', scope: 'line' } }, { quantity: '0.005' }).lines;
    expect(line).toMatchObject({
      description: '0.005 units at 1, rounded from 0.005',
      amount: '0.01',
      context: { roundedFrom: '0.005' },
    });
  });

  it('of the period so far bills the difference of two rounded amounts', () => {
    const modifiers: Modifiers = { rounding: { mode: 'half_up', scope: 'cumulative' } };
    const part = (previousQuantity: string, more: Partial<PriceInput> = {}) =>
      evaluate(modifiers, { quantity: '0.004', previousQuantity, ...more });
    expect(['0', '0.004', '0.008'].map((previous) => part(previous).total)).toEqual(['0.00', '0.01', '0.00']);
    // Late usage: the price of the new whole, less what was booked.
    expect(part('0.008', { previousAmount: '0.03' })).toMatchObject({ total: '-0.02', exactAmount: '-0.018', amount: '-0.02' });
    expect(part('0.004').lines.map(({ description, amount }) => `${description} = ${amount}`)).toEqual([
      '0.008 units at 1 = 0.008',
    ]);
  });
});

describe('what is due of a period so far', () => {
  const price = compilePrice({
    currency: 'USD',
    price: unit,
    modifiers: { maximumSpend: '100', minimumSpend: '20', credits: ['30', '5'] },
  });
  const due = (quantity: string, previousAmount: string, previousCredits: string, last = false) => {
    const { total, credits } = evaluationOf(
      price.chargeSoFar({ usage: { quantity }, previousAmount, previousCredits, periodPosition: last ? 'last' : 'middle' }),
    );
    return `${total} after ${credits}`;
  };

  it('spends what is left of the credits, holds the maximum, and gives back to credits what a correction takes from them', () => {
    expect(due('25', '0', '0')).toBe('0.00 after 25.00');
    expect(due('160', '25', '25')).toBe('65.00 after 10.00');
    // 160 were capped at 100: 140 are, too.
    expect(due('140', '100', '35')).toBe('0.00 after 0.00');
    // Down to 15: of the 100 billed, 85 come back, 20 of them to the credits that paid 35.
    expect(due('15', '100', '35')).toBe('-65.00 after -20.00');
    expect(due('15', '15', '15', true)).toBe('0.00 after 5.00');
  });
});
