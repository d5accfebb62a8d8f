import { describe, expect, it } from 'vitest';
import type { Fault } from '../faults/index.ts';
import type { Modifiers, Price } from '../prices/index.ts';
import { evaluatePrice, type PriceInput } from './index.ts';

const unit = (unitAmount: string): Price => ({ model: 'per_unit', unitAmount });
const evaluate = (price: Price, quantity: string, modifiers: Modifiers = {}, more: Partial<PriceInput> = {}) =>
  evaluatePrice({ currency: 'USD', price, quantity, modifiers, ...more });

describe('the order of a charge', () => {
  it('is conversion, free units, allowance, price, percent off, maximum, minimum, credits', () => {
    const modifiers: Modifiers = {
      credits: ['5', '100'],
      minimumSpend: '40',
      maximumSpend: '50',
      percentOff: '10',
      allowance: { units: '20' },
      freeUnits: '10',
      unitConversion: { operation: 'divide', factor: '60', rounding: { mode: 'up', decimals: 0 } },
    };
    const evaluation = evaluate(unit('2'), '3541', modifiers);
    expect(evaluation.lines.map(({ kind, amount }) => `${kind} ${amount}`)).toEqual([
      'conversion 0',
      'included 0',
      'included 0',
      'unit 60',
      'discount -6',
      'maximum -4',
      'credit -5',
      'credit -45',
    ]);
    expect(evaluation.lines.slice(0, 3).map(({ description }) => description)).toEqual([
      '3541 / 60 = 60 units, rounded up to 0 decimals',
      '10 units included in 10 free units',
      '20 units included in an allowance of 20',
    ]);
    expect(evaluation).toMatchObject({ amount: '60.00', charges: '0.00', discounts: '10.00', credits: '50.00', total: '0.00' });
    expect(evaluate(unit('2'), '2400', modifiers)).toMatchObject({
      amount: '20.00',
      discounts: '2.00',
      charges: '22.00',
      credits: '40.00',
    });
  });

  it('rounds a conversion over the period so far, so that parts never pay it twice', () => {
    const modifiers: Modifiers = { unitConversion: { operation: 'divide', factor: '1000', rounding: 'ceiling' } };
    const parts = [
      evaluate(unit('10'), '1400', modifiers),
      evaluate(unit('10'), '500', modifiers, { previousQuantity: '1400' }),
      evaluate(unit('10'), '200', modifiers, { previousQuantity: '1900' }),
    ];
    expect(parts.map(({ total }) => total)).toEqual(['20.00', '0.00', '10.00']);
  });

  it('prices seconds by the minute without losing a fraction', () => {
    const modifiers: Modifiers = { unitConversion: { operation: 'divide', factor: '60' } };
    expect(evaluate(unit('0.00375'), '80', modifiers)).toMatchObject({ exactAmount: '0.005', total: '0.01' });
  });
});

describe('rounding', () => {
  const thirds: Price = {
    model: 'graduated',
    tiers: [
      { upTo: '1', unitAmount: '0.004' },
      { upTo: '2', unitAmount: '0.004' },
      { upTo: null, unitAmount: '0.004' },
    ],
  };

  it('happens once over the charge, or line by line where the price says so', () => {
    expect(evaluate(thirds, '3')).toMatchObject({ exactAmount: '0.012', total: '0.01' });
    expect(evaluate(thirds, '3', { rounding: { mode: 'up', scope: 'line' } })).toMatchObject({
      exactAmount: '0.03',
      total: '0.03',
    });
    expect(evaluate(thirds, '3', { rounding: { mode: 'up' } }).total).toBe('0.02');
    expect(evaluate(thirds, '3', { rounding: { mode: 'half_up', scope: 'line' } }).total).toBe('0.00');
  });

  it('takes halves away from zero, to the digits of the currency', () => {
    expect(evaluate(unit('0.005'), '1').total).toBe('0.01');
    expect(evaluate(unit('0.5'), '1', {}, { currency: 'JPY' }).total).toBe('1');
    expect(evaluate(unit('0.0005'), '1', {}, { currency: 'KWD' }).total).toBe('0.001');
    expect(evaluate(unit('0.025'), '1', { rounding: { mode: 'half_even' } }).total).toBe('0.02');
  });

  it('gives nothing back where the maximum was passed before', () => {
    expect(evaluate(unit('1'), '10', { maximumSpend: '20' }, { previousAmount: '30' }).total).toBe('0.00');
  });

  it('holds a part of a period between the same share of minimum and maximum, where they are shared', () => {
    const part = { prorationNumerator: 10, prorationDenominator: 31, sharesLimits: true } as const;
    const limits: Modifiers = { minimumSpend: '62', maximumSpend: '310' };
    const lines = (quantity: string) => {
      const { lines: all, total } = evaluate(unit('1'), quantity, limits, part);
      return [...all.map(({ description, amount }) => `${description}: ${amount}`), total];
    };
    expect(lines('5')).toEqual(['5 units at 1: 5', 'Raised to the minimum of 62 for 10 of 31 days: 15', '20.00']);
    expect(lines('120')).toEqual(['120 units at 1: 120', 'Capped at the maximum of 310 for 10 of 31 days: -20', '100.00']);
    expect(evaluate(unit('1'), '5', limits, { ...part, sharesLimits: false }).total).toBe('62.00');
    expect(evaluate(unit('1'), '5', limits, { ...part, prorationNumerator: 0 }).total).toBe('0.00');
    // Billed in parts, or as the period so far, the same limits hold.
    expect(evaluate(unit('1'), '5', limits, { ...part, previousQuantity: '12', previousAmount: '12.00' }).total).toBe('8.00');
    const soFar: Modifiers = { ...limits, rounding: { mode: 'half_up', scope: 'cumulative' } };
    expect(evaluate(unit('1'), '5', soFar, { ...part, previousQuantity: '12', previousAmount: '12.00' }).total).toBe('8.00');
  });

  it('never breaks a maximum or minimum by a cent', () => {
    expect(evaluate(unit('33.405'), '1', { minimumSpend: '50' })).toMatchObject({
      amount: '33.41',
      charges: '16.59',
      total: '50.00',
    });
    expect(evaluate(unit('9.99'), '1', { percentOff: '50' })).toMatchObject({ amount: '9.99', discounts: '4.99', total: '5.00' });
  });
});

describe('blocks', () => {
  const blocks = (rule: 'up' | 'down' | 'prorated'): Price => ({
    model: 'package',
    packageSize: '1000',
    packageAmount: '3',
    freeUnits: '500',
    blocks: rule,
  });

  it('begun count whole, not at all or by their share', () => {
    expect((['up', 'down', 'prorated'] as const).map((rule) => evaluate(blocks(rule), '2750').total)).toEqual([
      '9.00',
      '6.00',
      '6.75',
    ]);
    expect((['up', 'down', 'prorated'] as const).map((rule) => evaluate(blocks(rule), '500').total)).toEqual([
      '0.00',
      '0.00',
      '0.00',
    ]);
  });
});

describe('corrections and bad input', () => {
  it('gives back what falling usage had been charged, but never prices below zero usage', () => {
    const tiers = [
      { upTo: '5', unitAmount: '1', flatAmount: '100' },
      { upTo: null, unitAmount: '2', flatAmount: '50' },
    ];
    expect(evaluate({ model: 'graduated', tiers }, '-4', {}, { previousQuantity: '7' }).total).toBe('-56.00');
    expect(evaluate({ model: 'volume', tiers }, '-4', {}, { previousQuantity: '7' }).total).toBe('39.00');
    expect(evaluate(unit('3'), '-9', {}, { previousQuantity: '7' }).total).toBe('-21.00');
    expect(evaluate(unit('3'), '-9').total).toBe('0.00');
  });

  it('prices volume over the whole period in its last part', () => {
    const price: Price = {
      model: 'volume',
      tiers: [
        { upTo: '10', unitAmount: '2' },
        { upTo: null, unitAmount: '1' },
      ],
    };
    const part = (periodPosition: 'first' | 'last', previousQuantity: string) =>
      evaluate(price, '8', {}, { periodPosition, previousQuantity }).total;
    expect([part('first', '0'), part('last', '8')]).toEqual(['0.00', '16.00']);
  });

  it('charges a flat fee once over the parts of a period', () => {
    const parts = (paymentTerm: 'advance' | 'arrears') =>
      (['first', 'middle', 'last'] as const).map(
        (periodPosition) => evaluate({ model: 'flat', amount: '9', paymentTerm }, '0', {}, { periodPosition }).total,
      );
    expect(parts('advance')).toEqual(['9.00', '0.00', '0.00']);
    expect(parts('arrears')).toEqual(['0.00', '0.00', '9.00']);
  });

  it('refuses what is no decimal and no currency', () => {
    const refused = (code: string) => expect.objectContaining({ kind: 'invalid', code }) as Fault;
    expect(() => evaluate(unit('1'), 'many')).toThrow(refused('decimal.malformed'));
    expect(() => evaluate(unit('1'), '1', {}, { previousAmount: '' })).toThrow(refused('decimal.malformed'));
    expect(() => evaluate(unit('1'), '1', {}, { currency: 'usd' })).toThrow(refused('currency.unknown'));
  });
});
