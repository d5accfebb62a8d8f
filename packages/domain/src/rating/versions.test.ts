import { describe, expect, it } from 'vitest';
import type { Fault } from '../faults/index.ts';
import type { Modifiers, Price } from '../prices/index.ts';
import { evaluatePrice, type PricedPart, type PricedPeriod, ratePricedParts } from './index.ts';

const unit = (unitAmount: string): Price => ({ model: 'per_unit', unitAmount });
const part = (price: Price, quantity: string, days: number, modifiers: Modifiers = {}): PricedPart => ({
  price,
  modifiers,
  usage: { quantity, events: 1 },
  days,
});
const rate = (parts: readonly PricedPart[], more: Partial<PricedPeriod> = {}) =>
  ratePricedParts({ currency: 'CNY', parts, daysInPeriod: 31, ...more });
const told = (parts: readonly PricedPart[]) => rate(parts).lines.map(({ description, amount }) => `${description} = ${amount}`);

describe('a price that changed within the period', () => {
  // The list price of co-streaming per minute and stream, before and from 22 October 2021: audio, 480P, 720P, above 720P.
  const prices = (amounts: readonly string[]): Price => ({
    model: 'matrix',
    dimensions: ['resolution'],
    cells: ['audio', '480p', '720p', '1080p'].map((resolution, index) => ({
      match: { resolution },
      price: unit(amounts[index] ?? 'absent'),
    })) as Extract<Price, { model: 'matrix' }>['cells'],
  });
  const used = (minutes: readonly string[]) => ({
    quantity: '10000',
    events: 4,
    groups: ['audio', '480p', '720p', '1080p'].map((resolution, index) => ({
      dimensions: { resolution },
      quantity: minutes[index] ?? 'absent',
      events: 1,
    })),
  });

  it('rates each minute at the price of its time: the list price of October 2021', () => {
    const before = {
      price: prices(['0.008', '0.016', '0.032', '0.120']),
      usage: used(['1000', '2000', '3000', '4000']),
      days: 21,
    };
    const after = {
      price: prices(['0.006', '0.012', '0.024', '0.090']),
      usage: used(['1000', '2000', '3000', '4000']),
      days: 10,
    };
    // 1000 * 0.008 + 2000 * 0.016 + 3000 * 0.032 + 4000 * 0.120 = 8 + 32 + 96 + 480 = 616; the new price is three quarters: 462.
    const evaluation = rate([before, after]);
    expect(evaluation.total).toBe('1078.00');
    expect(evaluation.lines.map(({ description, amount }) => `${description} = ${amount}`)).toEqual([
      'Price 1: audio: 1000 units at 0.008 = 8',
      'Price 1: 480p: 2000 units at 0.016 = 32',
      'Price 1: 720p: 3000 units at 0.032 = 96',
      'Price 1: 1080p: 4000 units at 0.120 = 480',
      'Price 2: audio: 1000 units at 0.006 = 6',
      'Price 2: 480p: 2000 units at 0.012 = 24',
      'Price 2: 720p: 3000 units at 0.024 = 72',
      'Price 2: 1080p: 4000 units at 0.090 = 360',
    ]);
  });

  it('lets tiers go on where they stood, each unit at the tier prices of its time', () => {
    const tiered = (low: string, high: string, flatAmount: string): Price => ({
      model: 'graduated',
      tiers: [
        { upTo: '100', unitAmount: low, flatAmount },
        { upTo: null, unitAmount: high, flatAmount },
      ],
    });
    expect(told([part(tiered('2', '1', '5'), '60', 10), part(tiered('4', '3', '7'), '60', 21)])).toEqual([
      'Price 1: 60 units at 2 (tier 1, 0 to 100) = 120',
      'Price 1: Flat amount of 5 (tier 1, 0 to 100) = 5',
      'Price 2: 40 units at 4 (tier 1, 0 to 100) = 160',
      'Price 2: 20 units at 3 (tier 2, above 100) = 60',
      'Price 2: Flat amount of 7 (tier 2, above 100) = 7',
    ]);
  });

  it('finds the tier of a volume price by the usage of the whole period', () => {
    const volume = (low: string, high: string): Price => ({
      model: 'volume',
      tiers: [
        { upTo: '100', unitAmount: low },
        { upTo: null, unitAmount: high, flatAmount: '9' },
      ],
    });
    expect(told([part(volume('2', '1'), '60', 10), part(volume('4', '3'), '60', 21)])).toEqual([
      'Price 1: 60 units at 1 (tier 2, above 100) = 60',
      'Price 2: 60 units at 3 (tier 2, above 100) = 180',
      'Price 2: Flat amount of 9 (tier 2, above 100) = 9',
    ]);
  });

  it('shares a flat fee by the days of each price, and charges a fee due once as it began', () => {
    const fee = (amount: string, days: number): PricedPart => ({ price: { model: 'flat', amount }, usage: null, days });
    expect(rate([fee('31', 10), fee('62', 21)]).total).toBe('52.00');
    expect(rate([fee('31', 10), fee('62', 5)]).total).toBe('20.00');
    const once = (amount: string, days: number): PricedPart => ({
      ...fee(amount, days),
      price: { model: 'flat', amount, interval: 'once' },
    });
    expect(rate([once('100', 10), once('200', 21)]).total).toBe('100.00');
    expect(rate([once('100', 10), once('200', 21)], { firstPeriod: false }).total).toBe('0.00');
  });

  it('counts free units and blocks through', () => {
    const free = { freeUnits: '100' };
    expect(rate([part(unit('2'), '60', 10, free), part(unit('3'), '60', 21, free)]).total).toBe('60.00');
    const blocks = (packageAmount: string): Price => ({ model: 'package', packageSize: '50', packageAmount });
    // 60 units begin two blocks at 2, 120 a third one at 3.
    expect(rate([part(blocks('2'), '60', 10), part(blocks('3'), '60', 21)]).total).toBe('7.00');
  });

  it('counts minimum and maximum for the days of the prices that have them', () => {
    const least = { minimumSpend: '310' };
    // 310 * 10 / 31 = 100; the second price has none.
    expect(rate([part(unit('1'), '20', 10, least), part(unit('1'), '5', 21)]).total).toBe('100.00');
    expect(rate([part(unit('1'), '20', 10, least), part(unit('1'), '5', 21, { minimumSpend: '31' })]).total).toBe('121.00');
    const most = { maximumSpend: '310' };
    // The first part is held at 100, the second is free to grow.
    expect(rate([part(unit('1'), '500', 10, most), part(unit('1'), '500', 21)]).total).toBe('600.00');
    expect(rate([part(unit('1'), '500', 10, most), part(unit('1'), '500', 21, most)]).total).toBe('310.00');
  });

  it('shares minimum and maximum by the days of the period, and not of those billed, where fees are', () => {
    const least = { minimumSpend: '310' };
    const parts = [part(unit('1'), '20', 5, least), part(unit('1'), '5', 10, { minimumSpend: '31' })];
    // 310 * 5 / 31 + 31 * 10 / 31; out of the 15 days billed 310 * 5 / 15 + 31 * 10 / 15
    expect(rate(parts, { sharesLimits: true }).total).toBe('60.00');
    expect(rate(parts).total).toBe('124.00');
    const alone = rate([part(unit('1'), '20', 15, least)], { sharesLimits: true });
    expect(alone.lines.map(({ description }) => description)).toEqual([
      '20 units at 1',
      'Raised to the minimum of 310 for 15 of 31 days',
    ]);
  });

  it('takes credits and rounding from the last price', () => {
    const modifiers: Modifiers = { credits: ['1'], rounding: { mode: 'up' } };
    expect(rate([part(unit('1.001'), '1', 10, { credits: ['9'] }), part(unit('1'), '1', 21, modifiers)])).toMatchObject({
      exactAmount: '1.001',
      total: '1.01',
    });
  });

  it('with one price is the charge of a period', () => {
    const modifiers: Modifiers = { freeUnits: '3', minimumSpend: '2', maximumSpend: '50', percentOff: '5', credits: ['1'] };
    const price: Price = { model: 'volume', tiers: [{ upTo: null, unitAmount: '0.37', flatAmount: '2' }] };
    const { lines, ...amounts } = rate([part(price, '17.5', 31, modifiers)]);
    const whole = evaluatePrice({ currency: 'CNY', price, modifiers, quantity: '17.5' });
    expect({ ...amounts, lines }).toEqual(whole);
  });

  it('refuses days that do not fit the period, and no prices at all', () => {
    const refused = expect.objectContaining({ code: 'proration.invalid' }) as Fault;
    expect(() => rate([part(unit('1'), '1', 20), part(unit('1'), '1', 12)])).toThrow(refused);
    expect(() => rate([part(unit('1'), '1', 1.5)])).toThrow(refused);
    expect(() => rate([])).toThrow(RangeError);
  });
});
