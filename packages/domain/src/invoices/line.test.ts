import { describe, expect, it } from 'vitest';
import { type RateCard, rateCardSchema } from '../prices/index.ts';
import type { InvoiceLine } from './document.ts';
import { invoiceLines, type LineInput, linesUnder, totalOf } from './index.ts';

const card = (key: string, fields: object): RateCard => rateCardSchema.parse({ key, name: key, ...fields });
const JANUARY = { from: '2026-01-01T00:00:00Z', to: '2026-02-01T00:00:00Z' };
function input(
  rateCard: RateCard,
  quantity: string | null = null,
  { days = 31, ...more }: Partial<LineInput> & { days?: number } = {},
): LineInput {
  const usage = quantity === null ? null : { quantity, events: 1 };
  return { currency: 'USD', daysInPeriod: 31, parts: [{ rateCard, ...JANUARY, usage, days }], ...more };
}
const amounts = (lines: readonly InvoiceLine[]) => lines.map(({ amount }) => amount);
const explained = (line: InvoiceLine | undefined) =>
  line?.explanation.map(({ description, amount }) => `${description} = ${amount}`);

describe('rounding of the total', () => {
  const calls = (key: string, scope: string, mode = 'half_up') =>
    card(key, { meter: key, price: { model: 'per_unit', unitAmount: '0.004' }, modifiers: { rounding: { mode, scope } } });

  it('sums exact charges of the scope invoice, rounds once, and shows lines by largest remainder', () => {
    // 3 * 0.004 = 0.012: 0.01 in all, where lines by themselves are 0.00 each.
    const lines = invoiceLines([
      input(calls('a', 'invoice'), '1'),
      input(calls('b', 'invoice'), '1'),
      input(calls('c', 'invoice'), '1'),
    ]);
    expect(amounts(lines)).toEqual(['0.01', '0.00', '0.00']);
    expect(totalOf(lines, 'USD')).toBe('0.01');
    expect(explained(lines[0])).toEqual([
      '1 unit at 0.004 = 0.004',
      'Rounded half up, the total of the invoice: 0.004 becomes 0.01 = 0.006',
    ]);
    expect(explained(lines[1])?.[1]).toBe('Rounded half up, the total of the invoice: 0.004 becomes 0.00 = -0.004');
  });

  it('leaves lines of every other scope as they are, and sums each mode apart', () => {
    const lines = invoiceLines([
      input(calls('a', 'charge'), '1'),
      input(calls('b', 'invoice'), '1'),
      input(calls('c', 'invoice', 'up'), '1'),
      input(calls('d', 'invoice'), '1'),
    ]);
    expect(amounts(lines)).toEqual(['0.00', '0.01', '0.01', '0.00']);
  });
});

describe('a line', () => {
  const plan = card('base', { price: { model: 'flat', amount: '49' } });

  it('charges a fee due once in the first period alone, and whole', () => {
    const once = card('setup', { price: { model: 'flat', amount: '100', interval: 'once' } });
    expect(amounts(invoiceLines([input(once, null, { days: 10, firstPeriod: true })]))).toEqual(['100.00']);
    expect(amounts(invoiceLines([input(once, null, { firstPeriod: false })]))).toEqual(['0.00']);
  });

  it('grants what earlier periods left over of an allowance', () => {
    const price = { model: 'per_unit', unitAmount: '1' };
    const minutes = card('m', {
      meter: 'm',
      price,
      modifiers: { allowance: { units: '10', carryOver: { maximumUnits: null } } },
    });
    expect(amounts(invoiceLines([input(minutes, '20', { carriedUnits: '4' })]))).toEqual(['6.00']);
  });

  it('rated again under policy 1 has the explanation of then: sentences, without conversions and rounding', () => {
    const seconds = card('s', {
      meter: 's',
      price: { model: 'per_unit', unitAmount: '0.01' },
      modifiers: { unitConversion: { operation: 'divide', factor: '60' } },
    });
    const lines = invoiceLines([input(plan, null, { days: 17 }), input(seconds, '90')]);
    expect(lines.map(({ explanation }) => explanation.length)).toEqual([2, 3]);
    expect(linesUnder({ version: 2 }, lines)).toBe(lines);
    // As the code of policy 1 wrote them.
    expect(JSON.stringify(linesUnder({ version: 1 }, lines).map(({ explanation }) => explanation))).toBe(
      '[[{"kind":"flat","description":"Flat fee of 49 for 17 of 31 days","quantity":null,"unitAmount":"49","amount":"26.870967741935483871"}],' +
        '[{"kind":"unit","description":"1.5 units at 0.01","quantity":"1.5","unitAmount":"0.01","amount":"0.015"}]]',
    );
  });
});
