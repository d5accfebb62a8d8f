import { describe as group, expect, it } from 'vitest';
import type { RatedLine } from '../evaluation.ts';
import type { Facts, LineContext } from './facts.ts';
import { describe, toldIn } from './index.ts';

const tier = { index: 1, from: '10', upTo: '20' };
const line = (facts: Facts, context?: LineContext): RatedLine => ({
  kind: 'unit',
  description: '',
  quantity: '3',
  unitAmount: '0.5',
  amount: '1.5',
  tier,
  facts,
  ...(context && { context }),
});
const days = { days: '10', daysInPeriod: '31' };
const noDays = { days: null, daysInPeriod: null };
const rounding = { mode: 'up', decimals: 2, scope: 'event' } as const;

const sentences: readonly [Facts, string, string][] = [
  [{ type: 'flat_fee', ...days }, 'Flat fee of 0.5 for 10 of 31 days', '固定费用 0.5，计 10/31 天'],
  [{ type: 'flat_fee', ...noDays }, 'Flat fee of 0.5', '固定费用 0.5'],
  [{ type: 'one_time_fee' }, 'One-time fee of 0.5', '一次性费用 0.5'],
  [{ type: 'units' }, '3 units at 0.5', '3 个单位，单价 0.5'],
  [{ type: 'tier_units' }, '3 units at 0.5 (tier 2, 10 to 20)', '3 个单位，单价 0.5（第 2 档，10 至 20）'],
  [{ type: 'tier_rate', rate: '1.5' }, '1.5 % of 3 (tier 2, 10 to 20)', '3 的 1.5%（第 2 档，10 至 20）'],
  [{ type: 'tier_fee', flatAmount: '7' }, 'Flat amount of 7 (tier 2, 10 to 20)', '固定金额 7（第 2 档，10 至 20）'],
  [
    { type: 'packages', packageSize: '100', freeUnits: null },
    '3 packages of 100 units at 0.5',
    '3 个包（每包 100 个单位），每包 0.5',
  ],
  [
    { type: 'packages', packageSize: '100', freeUnits: '5' },
    '3 packages of 100 units at 0.5 beyond 5 free ones',
    '3 个包（每包 100 个单位），每包 0.5，不含免费的 5 个单位',
  ],
  [{ type: 'rate', rate: '2.9' }, '2.9 % of 3', '3 的 2.9%'],
  [{ type: 'event_fees' }, '3 events at 0.5', '3 个事件，每个 0.5'],
  [{ type: 'event_minimum', minimum: '1' }, '3 events raised to the minimum of 1 each', '3 个事件补足至每个最低 1'],
  [{ type: 'event_maximum', maximum: '9' }, '3 events capped at the maximum of 9 each', '3 个事件按每个最高 9 封顶'],
  [{ type: 'free_events' }, '3 events free of charge', '3 个事件免费'],
  [{ type: 'free_amount' }, '3 free of charge', '3 免费'],
  [{ type: 'multiplied', multiplier: '1.2' }, '3 times 1.2', '3 乘以 1.2'],
  [{ type: 'seats', includedSeats: null, minimumSeats: null, ...noDays }, '3 seats at 0.5', '3 个席位，每个 0.5'],
  [
    { type: 'seats', includedSeats: '2', minimumSeats: '4', ...days },
    '3 seats at 0.5 beyond 2 included, at least 4 billed for 10 of 31 days',
    '3 个席位，每个 0.5，不含套餐内的 2 个，至少按 4 个计费，计 10/31 天',
  ],
  [{ type: 'seat_change', ...days }, '3 seats added at 0.5 for 10 of 31 days', '增加 3 个席位，每个 0.5，计 10/31 天'],
  [
    { type: 'seat_change', days: '60', daysInPeriod: '90', unit: 'second' },
    '3 seats added at 0.5 for 60 of 90 seconds',
    '增加 3 个席位，每个 0.5，计 60/90 秒',
  ],
  [
    { type: 'converted', source: '180', operation: 'divide', factor: '60', rounding: null },
    '180 / 60 = 3 units',
    '180 ÷ 60 = 3 个单位',
  ],
  [
    { type: 'converted', source: '2.5', operation: 'multiply', factor: '1', rounding },
    '2.5 * 1 = 3 units, each event rounded up to 2 decimals',
    '2.5 × 1 = 3 个单位（逐个事件进一法，保留 2 位小数）',
  ],
  [
    { type: 'converted', source: '2.5', operation: 'multiply', factor: '1', rounding: { ...rounding, scope: 'total' } },
    '2.5 * 1 = 3 units, rounded up to 2 decimals',
    '2.5 × 1 = 3 个单位（进一法，保留 2 位小数）',
  ],
  [{ type: 'weighted', value: 'hd', source: '1', factor: '3' }, '1 unit of hd count 3 each: 3', 'hd：1 个单位，每个折算 3，共 3'],
  [
    { type: 'weighted', value: '', source: '2', factor: '1.5' },
    '2 units of (none) count 1.5 each: 3',
    '（无）：2 个单位，每个折算 1.5，共 3',
  ],
  [{ type: 'free_units', units: '9' }, '3 units included in 9 free units', '3 个单位在 9 个免费单位之内'],
  [
    { type: 'allowance', units: '9', carriedUnits: null },
    '3 units included in an allowance of 9',
    '3 个单位在 9 个单位的套餐额度之内',
  ],
  [
    { type: 'allowance', units: '9', carriedUnits: '4' },
    '3 units included in an allowance of 9 and 4 carried over',
    '3 个单位在 9 个单位的套餐额度和结转的 4 个之内',
  ],
  [
    { type: 'carried_over', maximumUnits: null },
    '3 units of the allowance left for the next period',
    '套餐额度剩余 3 个单位，结转至下一周期',
  ],
  [
    { type: 'carried_over', maximumUnits: '500' },
    '3 units of the allowance left for the next period (at most 500)',
    '套餐额度剩余 3 个单位，结转至下一周期（最多 500 个）',
  ],
  [{ type: 'prepaid', name: 'Pack' }, 'Covered by prepaid Pack', '由预付包 Pack 抵扣'],
  [{ type: 'no_price' }, '3 units without a price, not charged', '3 个单位没有适用价格，不收费'],
  [{ type: 'negotiated', revision: 3 }, 'Negotiated price (3)', '协议价格（3）'],
  [{ type: 'percent_off', percent: '15' }, '15 % off', '优惠 15%'],
  [{ type: 'maximum', limit: '20' }, 'Capped at the maximum of 20', '按最高消费 20 封顶'],
  [{ type: 'minimum', limit: '20' }, 'Raised to the minimum of 20', '补足至最低消费 20'],
  [{ type: 'maximum', limit: '20', ...days }, 'Capped at the maximum of 20 for 10 of 31 days', '按最高消费 20 封顶，计 10/31 天'],
  [
    { type: 'minimum', limit: '20', ...days, unit: 'second' },
    'Raised to the minimum of 20 for 10 of 31 seconds',
    '补足至最低消费 20，计 10/31 秒',
  ],
  [{ type: 'credit', credit: '5' }, 'Paid from a credit of 5', '由 5 的抵扣额支付'],
  [{ type: 'credit_returned' }, 'Returned to credits that had paid more than is due', '退回抵扣额：此前支付超过应付金额'],
  [{ type: 'billed_before' }, 'Billed before in this period', '减去本周期此前已计费金额'],
];

group('a step', () => {
  it.each(sentences)('of %j is told in English and in Chinese', (facts, english, chinese) => {
    expect(describe(line(facts), 'en')).toBe(english);
    expect(describe(line(facts), 'zh')).toBe(chinese);
  });

  it('of rounding names mode and scope', () => {
    const told = (
      mode: 'half_up' | 'half_even' | 'up' | 'down' | 'ceiling' | 'floor',
      scope: 'event' | 'line' | 'charge' | 'invoice' | 'cumulative',
    ) =>
      (['en', 'zh'] as const).map((language) =>
        describe(line({ type: 'rounded', mode, scope, exactAmount: '1.005', roundedAmount: '1.01' }), language),
      );
    expect([
      told('half_up', 'charge'),
      told('half_even', 'invoice'),
      told('up', 'line'),
      told('down', 'event'),
      told('ceiling', 'cumulative'),
      told('floor', 'charge'),
    ]).toEqual([
      ['Rounded half up, the charge: 1.005 becomes 1.01', '按费用合计舍入（四舍五入）：1.005 记为 1.01'],
      ['Rounded half to even, the total of the invoice: 1.005 becomes 1.01', '按账单总额舍入（四舍六入五成双）：1.005 记为 1.01'],
      ['Rounded up, each line: 1.005 becomes 1.01', '逐行舍入（进一法）：1.005 记为 1.01'],
      ['Rounded down, each event: 1.005 becomes 1.01', '逐个事件舍入（去尾法）：1.005 记为 1.01'],
      [
        'Rounded to the ceiling, the charge of the period so far: 1.005 becomes 1.01',
        '按本周期累计费用舍入（向上取整）：1.005 记为 1.01',
      ],
      ['Rounded to the floor, the charge: 1.005 becomes 1.01', '按费用合计舍入（向下取整）：1.005 记为 1.01'],
    ]);
  });

  it('says where in the charge it belongs', () => {
    const context: LineContext = { version: 2, overage: true, group: { media: 'hd', role: '' }, roundedFrom: '1.4' };
    expect(describe(line({ type: 'units' }, context), 'en')).toBe(
      'Price 2: Overage: hd, (none): 3 units at 0.5, rounded from 1.4',
    );
    expect(describe(line({ type: 'units' }, context), 'zh')).toBe(
      '第 2 个价格：超出部分：hd、（无）：3 个单位，单价 0.5，由 1.4 舍入',
    );
    expect(describe(line({ type: 'units' }, { group: {} }), 'en')).toBe('Other: 3 units at 0.5');
    expect(describe(line({ type: 'units' }, { group: {} }), 'zh')).toBe('其他：3 个单位，单价 0.5');
  });

  it('that takes something back tells how much, not less than nothing', () => {
    const back = { ...line({ type: 'units' }, { takenBack: true }), quantity: '-3' };
    expect([describe(back, 'en'), describe(back, 'zh')]).toEqual([
      'Billed before: 3 units at 0.5',
      '此前已计费：3 个单位，单价 0.5',
    ]);
    const seats = { ...line({ type: 'seat_change', ...days }), quantity: '-1' };
    expect(describe(seats, 'en')).toBe('1 seat given back at 0.5 for 10 of 31 days');
    expect(describe(seats, 'zh')).toBe('减少 1 个席位，每个 0.5，计 10/31 天');
  });

  it('in an open tier, and one of a single unit, reads as one would say it', () => {
    const open = { ...line({ type: 'tier_units' }), quantity: '1', tier: { index: 0, from: '0', upTo: null } };
    expect(describe(open, 'en')).toBe('1 unit at 0.5 (tier 1, above 0)');
    expect(describe(open, 'zh')).toBe('1 个单位，单价 0.5（第 1 档，超过 0）');
  });

  it('kept as data is told later in any language; one kept as a sentence stays it', () => {
    const { facts: _facts, ...old } = { ...line({ type: 'units' }), description: 'as it was' };
    expect(toldIn([line({ type: 'units' }), old as RatedLine], 'zh').map(({ description }) => description)).toEqual([
      '3 个单位，单价 0.5',
      'as it was',
    ]);
  });
});
