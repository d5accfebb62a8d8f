import { describe, expect, it } from 'vitest';
import type { Fault } from '../faults/index.ts';
import { add, decimal, formatMoney, ZERO } from '../money/index.ts';
import { rateCardSchema } from '../prices/index.ts';
import { rateCardCharge, type PriceEvaluation } from './index.ts';

const base = rateCardSchema.parse({ key: 'base', name: 'Base', price: { model: 'flat', amount: '49.00' } });
const calls = rateCardSchema.parse({
  key: 'calls',
  name: 'Calls',
  meter: 'calls',
  price: {
    model: 'graduated',
    tiers: [
      { upTo: '5000', unitAmount: '0.002' },
      { upTo: '15000', unitAmount: '0.0015' },
      { upTo: null, unitAmount: '0.001' },
    ],
  },
});
const input = rateCardSchema.parse({
  key: 'input',
  name: 'Input tokens',
  meter: 'input_tokens',
  price: {
    model: 'graduated',
    tiers: [
      { upTo: '5000', unitAmount: '0.0030' },
      { upTo: null, unitAmount: '0.0025' },
    ],
  },
  modifiers: { unitConversion: { operation: 'divide', factor: '1000' }, allowance: { units: '10000' } },
});
const output = rateCardSchema.parse({
  key: 'output',
  name: 'Output tokens',
  meter: 'output_tokens',
  price: { model: 'package', packageSize: '100000', packageAmount: '0.90' },
});

const charge = (rateCard: typeof base, quantity: string) =>
  rateCardCharge({ currency: 'USD', rateCard, usage: { quantity, events: 1 } });
const steps = ({ lines }: PriceEvaluation) => lines.map(({ kind, description, amount }) => `${kind}: ${description} = ${amount}`);

describe('the card of the public trace', () => {
  it('charges 49.00 + 29.37 + 33.40 + 36.90 = 148.67', () => {
    const charges = [charge(base, '0'), charge(calls, '19366'), charge(input, '22361870'), charge(output, '4088665')];
    expect(charges.map(({ total }) => total)).toEqual(['49.00', '29.37', '33.40', '36.90']);
    expect(charges.map(({ exactAmount }) => exactAmount)).toEqual(['49', '29.366', '33.404675', '36.9']);
    const sum = charges.map(({ total }) => decimal(total)).reduce(add, ZERO);
    expect(formatMoney(sum, 'USD')).toBe('148.67');
  });

  it('says line by line how each amount came about', () => {
    expect(steps(charge(calls, '19366'))).toEqual([
      'tier: 5000 units at 0.002 (tier 1, 0 to 5000) = 10',
      'tier: 10000 units at 0.0015 (tier 2, 5000 to 15000) = 15',
      'tier: 4366 units at 0.001 (tier 3, above 15000) = 4.366',
    ]);
    expect(steps(charge(input, '22361870'))).toEqual([
      'conversion: 22361870 / 1000 = 22361.87 units = 0',
      'included: 10000 units included in an allowance of 10000 = 0',
      'tier: 5000 units at 0.0030 (tier 1, 0 to 5000) = 15',
      'tier: 7361.87 units at 0.0025 (tier 2, above 5000) = 18.404675',
    ]);
    expect(steps(charge(output, '4088665'))).toEqual(['package: 41 packages of 100000 units at 0.90 = 36.9']);
    expect(charge(calls, '6000').lines[1]).toEqual({
      kind: 'tier',
      description: '1000 units at 0.0015 (tier 2, 5000 to 15000)',
      quantity: '1000',
      unitAmount: '0.0015',
      amount: '1.5',
      tier: { index: 1, from: '5000', upTo: '15000' },
      facts: { type: 'tier_units' },
    });
  });
});

describe('proration', () => {
  const share = (rateCard: typeof base, prorationNumerator: number, prorationDenominator: number) =>
    rateCardCharge({
      currency: 'USD',
      rateCard,
      usage: { quantity: '19366', events: 1 },
      prorationNumerator,
      prorationDenominator,
    });

  it('takes the days of a flat fee and rounds once', () => {
    expect(share(base, 17, 31).total).toBe('26.87');
    expect(steps(share(base, 17, 31))).toEqual(['flat: Flat fee of 49.00 for 17 of 31 days = 26.870967741935483871']);
    expect(steps(share(base, 31, 31))).toEqual(['flat: Flat fee of 49.00 = 49']);
    expect(share(base, 0, 31)).toMatchObject({ total: '0.00', lines: [] });
  });

  it('leaves usage whole', () => {
    expect(share(calls, 17, 31).total).toBe('29.37');
  });

  it('keeps the lines adding up where days do not divide evenly', () => {
    const rateCard = rateCardSchema.parse({ ...base, modifiers: { percentOff: '50' } });
    const { lines, exactAmount, total } = share(rateCard, 1, 3);
    expect(lines.map(({ amount }) => amount)).toEqual(['16.333333333333333333', '-8.166666666666666666']);
    expect([exactAmount, total]).toEqual(['8.166666666666666667', '8.17']);
  });

  it.each([
    [1.5, 31],
    [-1, 31],
    [1, 0],
    [32, 31],
    [NaN, 31],
  ])('refuses %s of %s days', (numerator, denominator) => {
    expect(() => share(base, numerator, denominator)).toThrow(expect.objectContaining({ code: 'proration.invalid' }) as Fault);
  });
});

describe('allowance with a price for overage', () => {
  const bundle = rateCardSchema.parse({
    key: 'bundle',
    name: 'Bundle',
    meter: 'minutes',
    price: { model: 'flat', amount: '20' },
    modifiers: {
      unitConversion: { operation: 'divide', factor: '60' },
      allowance: {
        units: '100',
        overagePrice: { model: 'graduated', tiers: [{ upTo: null, unitAmount: '0.3', flatAmount: '1' }] },
      },
    },
  });

  it('charges the price for the included part and the overage price, with its fee, only beyond it', () => {
    expect(steps(charge(bundle, '6000'))).toEqual(['conversion: 6000 / 60 = 100 units = 0', 'flat: Flat fee of 20 = 20']);
    expect(steps(charge(bundle, '6060'))).toEqual([
      'conversion: 6060 / 60 = 101 units = 0',
      'flat: Flat fee of 20 = 20',
      'overage: Overage: 1 unit at 0.3 (tier 1, above 0) = 0.3',
      'overage: Overage: Flat amount of 1 (tier 1, above 0) = 1',
    ]);
    expect(charge(bundle, '6001').exactAmount).toBe('21.005');
  });

  it('prices only the included units with a price by the unit', () => {
    const rateCard = rateCardSchema.parse({
      key: 'k',
      name: 'n',
      meter: 'm',
      price: { model: 'per_unit', unitAmount: '2' },
      modifiers: {
        allowance: { units: '10', overagePrice: { model: 'volume', tiers: [{ upTo: null, unitAmount: '5', flatAmount: '7' }] } },
      },
    });
    expect(charge(rateCard, '4').total).toBe('8.00');
    expect(charge(rateCard, '10').total).toBe('20.00');
    expect(charge(rateCard, '13').total).toBe('42.00');
  });
});
