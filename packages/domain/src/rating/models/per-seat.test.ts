import { describe, expect, it } from 'vitest';
import type { Modifiers, PerSeatPrice, Price } from '../../prices/index.ts';
import { evaluatePrice, type PriceInput, ratePricedParts } from '../index.ts';

const seats = (more: Partial<PerSeatPrice> = {}): PerSeatPrice => ({ model: 'per_seat', seatAmount: '10', ...more });
const evaluate = (price: Price, quantity: string, more: Partial<PriceInput> = {}) =>
  evaluatePrice({ currency: 'USD', price, quantity, ...more });

describe('seats as overage', () => {
  const price: Price = { model: 'flat', amount: '0' };
  const modifiers: Modifiers = { allowance: { units: '5', overagePrice: seats({ minimumSeats: '3' }) } };

  it('pay their minimum with the first seat beyond, and get all of it back with the last', () => {
    expect(evaluate(price, '5', { modifiers }).total).toBe('0.00');
    expect(evaluate(price, '6', { modifiers }).total).toBe('30.00');
    expect(evaluate(price, '-1', { modifiers, previousQuantity: '6' }).total).toBe('-30.00');
    expect(evaluate(price, '4', { modifiers, previousQuantity: '6' }).total).toBe('20.00');
  });

  it('pay nothing in a stretch of a period without any', () => {
    const parts = ['5', '1'].map((quantity) => ({ price, modifiers, usage: { quantity, events: 1 }, days: 15 }));
    // Only the second stretch has a seat beyond the five: the minimum of three at its price of 10, as overage is not prorated.
    expect(ratePricedParts({ currency: 'USD', parts, daysInPeriod: 30 }).total).toBe('30.00');
  });
});

describe('the days of seats', () => {
  it('make no line where none are billed', () => {
    const none = evaluate(seats(), '4', { prorationNumerator: 0, prorationDenominator: 30 });
    expect(none).toMatchObject({ total: '0.00', lines: [] });
  });

  it('are charged at their share, seats added and given back from the day on', () => {
    const seatChanges = [
      { seats: '2', days: 15 },
      { seats: '-1', days: 6 },
    ];
    const { total, lines } = evaluate(seats({ includedSeats: '1' }), '4', {
      seatChanges,
      prorationNumerator: 30,
      prorationDenominator: 30,
    });
    // 3 of 4 seats whole: 30; two more for 15 of 30 days: 10; one given back for the last 6: -2.
    expect(lines.map(({ kind, quantity, amount }) => `${kind} ${quantity ?? ''} ${amount}`)).toEqual([
      'seat 3 30',
      'seat 2 10',
      'seat -1 -2',
    ]);
    expect(total).toBe('38.00');
  });
});

describe('seats that change, behind modifiers of usage', () => {
  const month = { prorationNumerator: 30, prorationDenominator: 30 };
  const seatChanges = [
    { seats: '1', days: 15 },
    { seats: '4', days: 6 },
    { seats: '-20', days: 3 },
  ];
  const amounts = (modifiers: Modifiers) =>
    evaluate(seats(), '3', { modifiers, seatChanges, ...month }).lines.map(
      ({ quantity, amount }) => `${quantity ?? ''}: ${amount}`,
    );

  it('pay from the seat on that no allowance or free unit includes, and get back what they paid', () => {
    // 3 and 4 are within 5; 8 are 3 beyond, for 6 of 30 days; none for the last 3 give those back.
    expect(amounts({ allowance: { units: '5' } })).toEqual(['3: 0', '3: 6', '-3: -3']);
    expect(amounts({ freeUnits: '5' })).toEqual(['3: 0', '3: 6', '-3: -3']);
  });

  it('pay by the blocks that their unit is rounded to', () => {
    // Blocks of 2 begun: 2, 2, 4, 0.
    const unitConversion = { operation: 'divide', factor: '2', rounding: 'up' } as const;
    expect(amounts({ unitConversion })).toEqual(['2: 0', '2: 20', '2: 4', '-4: -4']);
  });

  it('stand by themselves in each stretch of a period whose price changed', () => {
    const stretch = (seatAmount: string, quantity: string, changes: typeof seatChanges) => ({
      price: seats({ seatAmount }),
      modifiers: { allowance: { units: '2' } },
      usage: { quantity, events: 1, seatChanges: changes },
      days: 15,
    });
    const parts = [stretch('10', '5', [{ seats: '3', days: 6 }]), stretch('20', '8', [])];
    // (5 - 2) * 10 * 15 / 30 + 3 * 10 * 6 / 30 + (8 - 2) * 20 * 15 / 30
    expect(ratePricedParts({ currency: 'USD', parts, daysInPeriod: 30 }).total).toBe('81.00');
  });
});

describe('seats of a period billed in parts', () => {
  const parts = (price: Price) =>
    (['first', 'middle', 'last'] as const).map(
      (periodPosition, index) =>
        evaluate(price, ['4', '2', '-1'][index] ?? '', { periodPosition, previousQuantity: ['0', '4', '6'][index] }).total,
    );

  it('are paid in advance, as they come and go, unless in arrears', () => {
    expect(parts(seats())).toEqual(['40.00', '20.00', '-10.00']);
    expect(parts(seats({ paymentTerm: 'advance' }))).toEqual(['40.00', '20.00', '-10.00']);
    expect(parts(seats({ paymentTerm: 'arrears' }))).toEqual(['0.00', '0.00', '50.00']);
  });

  it('of a whole period billed again are charged less those billed before', () => {
    const again = (price: Price) => evaluate(price, '2', { previousQuantity: '4' }).total;
    expect([again(seats()), again(seats({ paymentTerm: 'arrears' }))]).toEqual(['20.00', '20.00']);
  });

  it('at two prices are each charged at theirs, for its days', () => {
    const stretch = (price: Price, quantity: string, days: number) => ({ price, usage: { quantity, events: 1 }, days });
    const parts = [stretch(seats(), '4', 15), stretch(seats({ seatAmount: '20' }), '5', 15)];
    // 4 at 10 and 5 at 20, half a period each.
    expect(ratePricedParts({ currency: 'USD', parts, daysInPeriod: 30 }).total).toBe('70.00');
  });
});
