import { describe, expect, it } from 'vitest';
import { meterline, meterlineWith } from './fixture.ts';

const choice = { planVersion: 1, isCurrent: false, average: '33.33' };
const subscription = { id: 'sub_1', plan: 'large', planVersion: 1 };
const costs = {
  planVersion: 1,
  name: 'x',
  isOffered: true,
  months: ['1000.00'],
  doubledTotal: '2000.00',
  doubledAverage: '2000.00',
};
const FIT = {
  customer: 'acme',
  currency: 'USD',
  timezone: 'UTC',
  asOf: { cut: [7], at: '2026-07-10T00:00:00Z' },
  monthsAsked: 3,
  months: [{ firstDay: '2026-05-01' }, { firstDay: '2026-06-01' }],
  assessments: [
    {
      subscription,
      now: { ...choice, plan: 'small', saving: '400.00' },
      doubled: { ...choice, plan: 'large', isCurrent: true, saving: '0.00' },
      uncovered: [{ plan: 'voice', planVersion: 1, meters: ['users'] }],
      sentence: '21.7 % of the 10000 units of Calls in large were used.',
    },
  ],
  plans: [
    { ...costs, plan: 'voice', subscription: null, total: '1.00', average: '0.50', allowances: [] },
    { ...costs, plan: 'small', subscription: null, total: '200.00', average: '100.00', allowances: [] },
    {
      ...{ ...costs, plan: 'large', subscription: 'sub_1', total: '1600.00', average: '800.00' },
      allowances: [
        {
          ...{ name: 'Calls', included: '10000', averagePercent: '85' },
          months: [
            { used: '5000', percent: '50', exceeded: false },
            { used: '12000', percent: '120', exceeded: true },
          ],
        },
      ],
    },
  ],
  notCompared: [{ plan: 'fax', planVersion: 1, reason: 'meter_archived' }],
  usage: [
    {
      ...{ meter: 'users', peakMonth: { firstDay: '2026-06-01', quantity: '12000' }, trend: null, scaling: 'assumed' },
      peakDay: { day: '2026-06-03', quantity: '700', percentOfMonth: null },
    },
  ],
};

describe('plan fit', () => {
  it('shows bars of what was used, peaks, and what every plan would have cost', async () => {
    const { asked, out } = await meterline(['plan', 'fit', 'acme', '--months', '3', '--language', 'zh'], () => ({ body: FIT }));
    expect(asked[0]?.url).toBe('/v1/customers/acme/plan-fit?months=3&language=zh');
    expect(out.split('\n')).toEqual([
      'acme: 2 of the 3 months asked for have a history, from 2026-05-01 (UTC)',
      '',
      '21.7 % of the 10,000 units of Calls in large were used.',
      '',
      'Calls: 10,000 included in large, version 1',
      '',
      'month         used    %',
      '─'.repeat(56),
      `2026-05-01   5,000   50  ${'█'.repeat(15)}${'░'.repeat(15)}`,
      `2026-06-01  12,000  120  ${'█'.repeat(30)}▶`,
      '─'.repeat(56),
      `average              85  ${'█'.repeat(25)}▌${'░'.repeat(4)}`,
      '',
      'meter    highest month      highest day        growth  next month',
      '─'.repeat(65),
      'users *  12,000 in 2026-06  700 on 2026-06-03',
      '* no sum: twice the usage is assumed to double it',
      '',
      'plan   version  total USD  a month  twice the usage',
      '─'.repeat(85),
      'voice        1       1.00     0.50         2,000.00  without users',
      'small        1     200.00   100.00         2,000.00  fits now',
      'large        1   1,600.00   800.00         2,000.00  subscribed, fits twice the usage',
      'fax prices a meter that is archived: not compared.',
      '',
      'As of 2026-07-10T00:00:00Z, offset 7 of the event log.',
    ]);
  });

  it('of all customers goes through every page and tells how far it is', async () => {
    const item = (customer: string) => ({
      ...{ customer, currency: 'USD', subscription, fits: 'too_large', total: '1600.00', growthPercent: '0' },
      ...{ allowance: { averagePercent: '21.7' }, now: { ...choice, plan: 'small', saving: '1400.00' }, doubled: null },
    });
    const { asked, out, err } = await meterline(['plan', 'fit', '--all', '--fits', 'too_large'], ({ url }) => {
      if (url.startsWith('/v1/customers')) return { body: { items: Array.from({ length: 60 }, () => ({})), nextCursor: null } };
      return {
        body: url.includes('cursor=two') ? { items: [], nextCursor: null } : { items: [item('acme')], nextCursor: 'two' },
      };
    });
    expect(asked.slice(1).map(({ url }) => url)).toEqual([
      '/v1/plan-fit?months=6&fits=too_large&language=en&limit=50',
      '/v1/plan-fit?months=6&fits=too_large&language=en&limit=50&cursor=two',
    ]);
    expect(err.split('\n')).toEqual(['Rating 75% 50 of 60 customers', 'Rating 100% 60 of 60 customers']);
    expect(out.split('\n').at(-1)).toBe('acme      large 1  too_large    21.7         0  1,600.00 USD  small     1,400.00 USD');
  });

  it('is of one customer or of all, and says so', async () => {
    for (const args of [[], ['acme', '--all'], ['acme', '--fits', 'right']]) {
      const { code, err } = await meterlineWith(['plan', 'fit', ...args], {});
      expect([code, err.includes('--all')]).toEqual([2, true]);
    }
  });
});
