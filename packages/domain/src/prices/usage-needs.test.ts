import { describe, expect, it } from 'vitest';
import { type Modifiers, modifiersSchema, priceSchema, usageNeeds } from './index.ts';

const needs = (price: unknown, modifiers: Modifiers = {}) =>
  usageNeeds({ price: priceSchema.parse(price), modifiers: modifiersSchema.parse(modifiers) });
const unit = { model: 'per_unit', unitAmount: '1' } as const;
const matrix = { model: 'matrix', dimensions: ['role', 'media'], cells: [{ match: { media: 'video' }, price: unit }] } as const;

describe('usage needs', () => {
  it('are the total for a price by the unit, whatever its factor, tiers, fees and allowance', () => {
    expect(needs(unit)).toEqual({ dimensions: [], perEvent: false });
    expect(needs({ model: 'percentage', rate: '2.9', fixedAmount: '0.30' }).perEvent).toBe(false);
    expect(needs({ model: 'percentage', rate: '2.9', freeAmount: '100', freeEvents: '0' }).perEvent).toBe(false);
    const modifiers: Modifiers = { unitConversion: { operation: 'divide', factor: '60', rounding: 'up' }, freeUnits: '5' };
    expect(needs(unit, modifiers)).toEqual({ dimensions: [], perEvent: false });
  });

  it('are the dimensions of a matrix, of one that prices overage, and of weights, each once and in order', () => {
    expect(needs(matrix).dimensions).toEqual(['media', 'role']);
    const weights = { dimension: 'resolution', factors: { hd: '4' } };
    const modifiers: Modifiers = {
      allowance: { units: '1', overagePrice: priceSchema.parse(matrix) },
      unitConversion: { operation: 'divide', factor: '60', weights },
    };
    expect(needs({ model: 'flat', amount: '1' }, modifiers).dimensions).toEqual(['media', 'resolution', 'role']);
  });

  it.each<[object, Modifiers]>([
    [{ model: 'percentage', rate: '1', minimumPerEvent: '0' }, {}],
    [{ model: 'percentage', rate: '1', maximumPerEvent: '5' }, {}],
    [{ model: 'percentage', rate: '1', freeEvents: '3' }, {}],
    [{ model: 'percentage', rate: '1', freeAmount: '3', fixedAmount: '1' }, {}],
    [{ ...matrix, default: { model: 'percentage', rate: '1', maximumPerEvent: '5' } }, {}],
    [{ ...matrix, cells: [{ match: {}, price: { model: 'percentage', rate: '1', maximumPerEvent: '5' } }] }, {}],
    [unit, { rounding: { mode: 'up', scope: 'event' } }],
    [unit, { unitConversion: { operation: 'divide', factor: '60', rounding: { mode: 'up', scope: 'event' } } }],
  ])('are single events where each is priced or rounded by itself: %j %j', (price, modifiers) => {
    expect(needs(price, modifiers).perEvent).toBe(true);
  });
});
