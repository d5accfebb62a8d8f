import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Price, RateCard } from '../prices/index.ts';
import { invoiceLines } from './line.ts';
import type { LineInput } from './line-input.ts';

const card = (price: Price): RateCard => ({ key: 'calls', name: 'Calls', meter: 'calls', price });
const PERIOD = { from: '2026-01-01T00:00:00Z', to: '2026-02-01T00:00:00Z' };

function amountOf(parts: LineInput['parts']): string | undefined {
  return invoiceLines([{ currency: 'USD', daysInPeriod: 31, parts }])[0]?.amount;
}

const cents = fc.integer({ min: 0, max: 9999 }).map((units) => `0.${String(units).padStart(4, '0')}`);
const prices: fc.Arbitrary<Price> = fc.oneof(
  cents.map((unitAmount) => ({ model: 'per_unit' as const, unitAmount })),
  fc.tuple(cents, cents, fc.constantFrom('graduated' as const, 'volume' as const)).map(([first, rest, model]) => ({
    model,
    tiers: [
      { upTo: '100', unitAmount: first, flatAmount: '1' },
      { upTo: null, unitAmount: rest },
    ],
  })),
  cents.map((packageAmount) => ({ model: 'package' as const, packageSize: '7', packageAmount })),
);
const usages = fc.array(fc.record({ quantity: fc.integer({ min: 0, max: 300 }), days: fc.integer({ min: 0, max: 7 }) }), {
  minLength: 1,
  maxLength: 4,
});

test('a period whose price is entered again unchanged costs what it costs in one piece', () => {
  fc.assert(
    fc.property(prices, usages, (price, stretches) => {
      const parts = stretches.map(({ quantity, days }) => ({
        rateCard: card(price),
        ...PERIOD,
        days,
        usage: { quantity: String(quantity), events: 1 },
      }));
      const [first, ...rest] = parts;
      if (first === undefined || parts.every(({ days }) => days === 0)) return;
      const total = stretches.reduce((sum, { quantity }) => sum + quantity, 0);
      const days = stretches.reduce((sum, part) => sum + part.days, 0);
      expect(amountOf([first, ...rest])).toBe(
        amountOf([{ ...first, days, usage: { quantity: String(total), events: parts.length } }]),
      );
    }),
  );
});

test('a fee pays the days of each price, and the days of a price entered again unchanged add up', () => {
  const fee = (amount: string, days: number) => ({
    rateCard: { key: 'base', name: 'Base', price: { model: 'flat' as const, amount } },
    ...PERIOD,
    days,
    usage: null,
  });
  expect(amountOf([fee('31.00', 10), fee('62.00', 21)])).toBe('52.00'); // 10 * 1.00 + 21 * 2.00
  expect(amountOf([fee('100.00', 10), fee('100.00', 0), fee('100.00', 21)])).toBe('100.00');
});

test('a line of parts tells of each its days, usage and price, and of itself the sum and the last price', () => {
  const unit = (unitAmount: string) => card({ model: 'per_unit', unitAmount });
  const [line] = invoiceLines([
    {
      currency: 'USD',
      daysInPeriod: 31,
      parts: [
        { rateCard: unit('0.02'), ...PERIOD, days: 21, usage: { quantity: '1000.5', events: 3 } },
        { rateCard: unit('0.01'), ...PERIOD, days: 10, usage: { quantity: '0.5', events: 1 } },
      ],
    },
  ]);
  expect(line).toMatchObject({ quantity: '1001', events: 4, price: { unitAmount: '0.01' }, amount: '20.02' }); // 20.01 + 0.005
  expect(line?.parts).toMatchObject([
    { days: 21, quantity: '1000.5', events: 3, price: { unitAmount: '0.02' }, modifiers: null },
    { days: 10, quantity: '0.5', events: 1, price: { unitAmount: '0.01' }, modifiers: null },
  ]);
});
