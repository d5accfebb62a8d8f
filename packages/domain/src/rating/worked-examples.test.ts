import { describe, expect, it } from 'vitest';
import { add, decimal, formatMoney, ZERO } from '../money/index.ts';
import { type Modifiers, modifiersSchema, type Price, priceSchema } from '../prices/index.ts';
import { compilePrice, evaluatePrice, type PriceInput, totalOf } from './index.ts';

/** Per thousand, of a thousand begun its share: what price pages mean by "1.40 / 1,000 minutes". */
const perThousand = (packageAmount: string): Price => ({
  model: 'package',
  packageSize: '1000',
  packageAmount,
  blocks: 'prorated',
});

function rated(price: Price, usage: Pick<PriceInput, 'quantity' | 'groups'>, modifiers: Modifiers = {}, currency = 'USD') {
  return evaluatePrice({ currency, price: priceSchema.parse(price), modifiers: modifiersSchema.parse(modifiers), ...usage });
}
const total = (...args: Parameters<typeof rated>) => rated(...args).total;
const sum = (amounts: readonly string[], currency: string) => formatMoney(amounts.map(decimal).reduce(add, ZERO), currency);

describe('figures of public price pages', () => {
  it('peak daily users, 1,000 free, 14.50 per 1,000', () => {
    const price: Price = { ...perThousand('14.50'), freeUnits: '1000' } as Price;
    // (9,000 - 1,000) / 1,000 * 14.50 = 8 * 14.50
    expect(total(price, { quantity: '9000' })).toBe('116.00');
    // Two projects of 9,000 and 5,000 share the free users: (14,000 - 1,000) / 1,000 * 14.50 = 13 * 14.50
    expect(total(price, { quantity: '14000' })).toBe('188.50');
    // 325.102 * 14.50 = 4,713.979. The page says "rounded up" of the users; whole thousands would be 326 * 14.50 = 4,727.00.
    expect(rated(price, { quantity: '326102' })).toMatchObject({ exactAmount: '4713.979', total: '4713.98' });
  });

  it('a chat package of 349.00 with 5,000 monthly users, 0.05 for each beyond', () => {
    const allowance = { units: '5000', overagePrice: { model: 'per_unit', unitAmount: '0.05' } } as const;
    // 2,370 + 7,865 = 10,235 users; 349.00 + 5,235 * 0.05 = 349.00 + 261.75
    expect(total({ model: 'flat', amount: '349.00' }, { quantity: '10235' }, { allowance })).toBe('610.75');
  });

  it('video minutes by resolution', () => {
    const prices = { 'Full HD': '8.99', '2K': '15.99', '2K+': '35.99' };
    const cells = Object.entries(prices).map(([resolution, amount]) => ({ match: { resolution }, price: perThousand(amount) }));
    const price = { model: 'matrix', dimensions: ['resolution'], cells } as Price;
    const groups = [
      { dimensions: { resolution: 'Full HD' }, quantity: '60' },
      { dimensions: { resolution: '2K' }, quantity: '120' },
      { dimensions: { resolution: '2K+' }, quantity: '120' },
    ];
    // 0.06 * 8.99 + 0.12 * 15.99 + 0.12 * 35.99 = 0.5394 + 1.9188 + 4.3188
    expect(rated(price, { quantity: '300', groups })).toMatchObject({ exactAmount: '6.777', total: '6.78' });
  });

  it('whiteboard minutes, 10,000 free, 1.40 per 1,000, in a product that rounds up', () => {
    const price = { ...perThousand('1.40'), freeUnits: '10000' } as Price;
    // 2,060 beyond: 2.06 * 1.40 = 2.884
    const up = { rounding: { mode: 'up' } } as const;
    expect(rated(price, { quantity: '12060' }, up)).toMatchObject({ exactAmount: '2.884', total: '2.89' });
    expect(total(price, { quantity: '12060' })).toBe('2.88');
  });

  const standardMinutes: Modifiers = {
    unitConversion: {
      operation: 'divide',
      factor: '60',
      rounding: 'up',
      weights: { dimension: 'class', factors: { audio: '1', HD: '4', 'Full HD': '9', '2K': '16', '2K+': '36' } },
    },
  };

  it('standard minutes: seconds weighed by class, their total begun minutes', () => {
    const groups = [
      { dimensions: { class: 'audio' }, quantity: '445.2' },
      { dimensions: { class: 'HD' }, quantity: '300' },
    ];
    const evaluation = rated(perThousand('0.99'), { quantity: '745.2', groups }, standardMinutes);
    // 445.2 * 1 + 300 * 4 = 1,645.2 seconds = 27.42 minutes: 28
    expect(evaluation.lines.map(({ description }) => description)).toEqual([
      '300 units of HD count 4 each: 1200',
      '445.2 units of audio count 1 each: 445.2',
      '1645.2 / 60 = 28 units, rounded up to 0 decimals',
      '0.028 packages of 1000 units at 0.99',
    ]);
    expect(evaluation.exactAmount).toBe('0.02772');
  });

  it('a package of 50,000 standard minutes at 45.99, overage at 0.99 per 1,000', () => {
    const modifiers: Modifiers = { allowance: { units: '50000', overagePrice: perThousand('0.99') } };
    const evaluation = rated({ model: 'flat', amount: '45.99' }, { quantity: '150000' }, modifiers);
    // 100,000 beyond: 100 * 0.99
    expect(evaluation.lines.map(({ amount }) => amount)).toEqual(['45.99', '99']);
    expect(evaluation.total).toBe('144.99');
  });

  it('two chat apps with 10,000 daily users included each, 850 per whole block of 10,000 beyond', () => {
    const plan = (amount: string, users: string, blocks: 'up' | 'down') => {
      const overagePrice = { model: 'package', packageSize: '10000', packageAmount: '850', blocks } as const;
      return total({ model: 'flat', amount }, { quantity: users }, { allowance: { units: '10000', overagePrice } }, 'CNY');
    };
    // 72,370 beyond hold 7 whole blocks, 7,865 none: 2,888 + 7 * 850 + 888
    expect(sum([plan('2888', '82370', 'down'), plan('888', '17865', 'down')], 'CNY')).toBe('9726.00');
    // A vendor that bills blocks begun: 2,888 + 8 * 850 + 888 + 850
    expect(sum([plan('2888', '82370', 'up'), plan('888', '17865', 'up')], 'CNY')).toBe('11426.00');
  });

  it('packs: 30 s, 20 s and 40 s on three days deduct 1, 0 and 1 minutes of the cumulative total', () => {
    const minutes: Modifiers = { unitConversion: { operation: 'divide', factor: '60', rounding: 'half_up' } };
    const parts = [
      ['0', '30'],
      ['30', '20'],
      ['50', '40'],
    ].map(([previousQuantity, quantity]) =>
      evaluatePrice({
        currency: 'CNY',
        price: { model: 'per_unit', unitAmount: '1' },
        modifiers: minutes,
        quantity: quantity ?? 'absent',
        previousQuantity,
      }),
    );
    // 30 s = 0.5: 1 minute; 50 s = 0.83: still 1; 90 s = 1.5: 2
    expect(parts.map((part) => part.total)).toEqual(['1.00', '0.00', '1.00']);
  });

  it('signaling: peak connections, messages, and storage rounded to hundredths of a GB', () => {
    const storage: Modifiers = {
      unitConversion: { operation: 'divide', factor: '720', rounding: { mode: 'half_up', decimals: 2 } },
    };
    const charges = [
      // 20,000 peak connections at 30.00 per 1,000
      total(perThousand('30.00'), { quantity: '20000' }),
      // 800 million messages at 3.00 per million
      total({ model: 'package', packageSize: '1000000', packageAmount: '3.00', blocks: 'prorated' }, { quantity: '800000000' }),
      // 2,832 GB-hours / 720 = 3.9333...: 3.93 GB at 15.00; unrounded it were 59.00.
      total({ model: 'per_unit', unitAmount: '15.00' }, { quantity: '2832' }, storage),
    ];
    expect(charges).toEqual(['600.00', '2400.00', '58.95']);
    expect(sum(charges, 'USD')).toBe('3058.95');
    const unrounded: Modifiers = { unitConversion: { operation: 'divide', factor: '720' } };
    expect(total({ model: 'per_unit', unitAmount: '15.00' }, { quantity: '2832' }, unrounded)).toBe('59.00');
  });

  it('legacy audio minutes at 0.99 per 1,000, 5 % less from 100,000 on and 7 % less from 500,000 on', () => {
    const price: Price = {
      model: 'graduated',
      tiers: [
        { upTo: '100000', unitAmount: '0.00099' },
        { upTo: '500000', unitAmount: '0.0009405' },
        { upTo: null, unitAmount: '0.0009207' },
      ],
    };
    // 99.00 + 400 * 0.9405 + 100 * 0.9207 = 99.00 + 376.20 + 92.07
    expect(total(price, { quantity: '600000' })).toBe('567.27');
  });

  it('a list price by role and resolution: hosts and their audience', () => {
    const list: [string, string, string][] = [
      ['host', 'audio', '0.99'],
      ['host', 'HD', '3.99'],
      ['audience', 'audio', '0.59'],
      ['audience', 'HD', '1.99'],
    ];
    const price = {
      model: 'matrix',
      dimensions: ['role', 'resolution'],
      cells: list.map(([role, resolution, amount]) => ({ match: { role, resolution }, price: perThousand(amount) })),
      default: perThousand('35.99'),
    } as Price;
    const groups = list.map(([role, resolution]) => ({ dimensions: { role, resolution }, quantity: '100000' }));
    const other = { dimensions: { role: 'host', resolution: '8K' }, quantity: '1000' };
    // 100 * (0.99 + 3.99 + 0.59 + 1.99) + 35.99
    expect(total(price, { quantity: '401000', groups: [...groups, other] })).toBe('791.99');
  });

  it('packages of the month that carry what is left into the next', () => {
    const price = compilePrice({
      currency: 'USD',
      price: { model: 'flat', amount: '45.99' },
      modifiers: { allowance: { units: '50000', overagePrice: perThousand('0.99'), carryOver: { maximumUnits: '20000' } } },
    });
    // 50,000 + 20,000 carried over: 75,000 are 5,000 beyond.
    const charged = price.charge({ usage: { quantity: '75000' }, carriedUnits: '20000' });
    expect(totalOf(charged)).toEqual(decimal('50.94'));
  });
});
