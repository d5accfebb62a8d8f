import { expect, test } from 'vitest';
import { planFit, type RatedByMonth, type RatedPlan, wholeMonthsBefore } from '../index.ts';
import { fitSentence } from './index.ts';

const MONTHS = wholeMonthsBefore({ anchorMs: null, timezone: 'UTC', nowMs: Date.parse('2026-07-10T00:00:00Z'), count: 3 });

interface Story {
  readonly used: readonly string[];
  readonly team?: [asUsed: string, doubled: string];
  readonly other?: [asUsed: string, doubled: string];
  readonly included?: string | null;
  readonly notCompared?: 'meter_archived';
  readonly subscribed?: boolean;
  readonly covers?: boolean;
}

/** English and Chinese of a subscription to team (unless said otherwise), beside a plan small. */
function told(story: Story): string[] {
  const { used, team = ['100.00', '100.00'], other = ['20.00', '150.00'], included = '1000', subscribed = true } = story;
  const plan = (key: string, [total, doubledTotal]: [string, string], isOwn: boolean): RatedByMonth => ({
    every: 'month',
    ...{ plan: key, name: key, planVersion: 1, subscription: isOwn ? 's1' : null, isOffered: true, commitment: null },
    meters: isOwn || story.covers !== false ? ['calls'] : [],
    allowances: isOwn && included !== null ? [{ key: 'calls', name: 'Calls', meter: 'calls', included }] : [],
    months: used.map((quantity) => ({ total, doubledTotal, used: [quantity], carried: [] })),
  });
  const plans: RatedPlan[] = [plan('small', other, false)];
  if (subscribed && story.notCompared === undefined) plans.push(plan('team', team, true));
  const fit = planFit({
    currency: 'USD',
    months: MONTHS.slice(0, used.length),
    plans,
    meters: [{ meter: { key: 'calls', name: 'Calls', aggregation: 'sum' }, months: used, days: null }],
    subscriptions: subscribed ? [{ id: 's1', plan: 'team', planVersion: 1, notCompared: story.notCompared ?? null }] : [],
    sinceMs: null,
  });
  const [assessment] = fit.assessments;
  if (assessment === undefined) throw new Error('not assessed');
  const told = { assessment, currency: 'USD', months: fit.months.length };
  return [fitSentence(told, 'en'), fitSentence(told, 'zh')];
}

test('an allowance that is too large: its use, what another plan would have cost, and twice the usage', () => {
  // (200 + 240 + 288) / 3000 = 24.27 %; 3 * 20 = 60 instead of 300; doubled 3 * 100 = 300 is below 3 * 150
  expect(told({ used: ['200', '240', '288'] })).toEqual([
    'In 3 months 24.3 % of the 1000 units of Calls in team were used on average, changing by +20 % a month; small would have cost 60.00 USD instead of 300.00 USD, 80 % less, and at twice the usage team fits, for 300.00 USD.',
    'team 包含的 1000 个单位“Calls”在 3 个月中月均使用 24.3%，用量每月变化 +20%；若使用 small，费用为 60.00 USD，而不是 300.00 USD，节省 80%，用量翻倍时适合 team，费用为 300.00 USD。',
  ]);
});

test('an allowance that is exceeded in most months', () => {
  expect(told({ used: ['1500', '1500', '900'], other: ['200.00', '400.00'] })).toEqual([
    'In 3 months the 1000 units of Calls in team were exceeded 2 times, with 130 % of them used on average, changing by -20 % a month; no other plan would have cost less than its 300.00 USD, and it still fits at twice the usage.',
    'team 包含的 1000 个单位“Calls”在 3 个月中有 2 个月超出，月均使用 130%，用量每月变化 -20%；没有其他套餐比现在的 300.00 USD 更便宜，用量翻倍时仍然适合。',
  ]);
});

test('what has no allowance, no subscription or no plan that covers it', () => {
  expect(told({ used: ['5'], included: null })[0]).toBe(
    'In 1 month team had no allowance to outgrow; small would have cost 20.00 USD instead of 100.00 USD, 80 % less, and at twice the usage team fits, for 100.00 USD.',
  );
  expect(told({ used: ['5', '5', '5'], subscribed: false })).toEqual([
    'Without a subscription; small would have cost the least, 60.00 USD, and it still fits at twice the usage.',
    '目前没有订阅；small 费用最低，为 60.00 USD，用量翻倍时仍然适合。',
  ]);
  expect(told({ used: ['5', '6', '7.2'], subscribed: false, covers: false })).toEqual([
    'Without a subscription, with usage changing by +20 % a month; no plan prices everything that was used.',
    '目前没有订阅，用量每月变化 +20%；没有套餐能覆盖全部已用的计量项。',
  ]);
});

test('what cannot be judged says why', () => {
  expect(told({ used: ['5'], notCompared: 'meter_archived' })).toEqual([
    'team cannot be compared: it prices a meter that is archived.',
    'team 无法比较：其计费所用的计量项已归档。',
  ]);
  expect(told({ used: [] })).toEqual(['There is no whole month of usage to judge by yet.', '还没有一个完整月份的用量可供判断。']);
});

test('a plan that bills by the year: its share of the months, and of its allowance', () => {
  const plan = (key: string, total: string, doubledTotal: string): RatedPlan => ({
    ...{ plan: key, name: key, planVersion: 1, isOffered: true, commitment: null, meters: ['calls'], every: 'year' },
    subscription: key === 'annual' ? 's1' : null,
    allowances: [{ key: 'calls', name: 'Calls', meter: 'calls', included: '12000' }],
    period: { total, doubledTotal, used: ['2880'] },
    grows: [true],
    months: [['200'], ['240'], ['280']].map((used) => ({ used })),
  });
  const fit = planFit({
    ...{ currency: 'USD', months: MONTHS, plans: [plan('annual', '1200.00', '1200.00'), plan('lite', '960.00', '1960.00')] },
    meters: [{ meter: { key: 'calls', name: 'Calls', aggregation: 'sum' }, months: ['200', '240', '280'], days: null }],
    subscriptions: [{ id: 's1', plan: 'annual', planVersion: 1, notCompared: null }],
    sinceMs: null,
  });
  const [assessment] = fit.assessments;
  if (assessment === undefined) throw new Error('not assessed');
  // 720 in 3 months are 2,880 in 12, 24 % of 12,000; 3 of 12 months of 960.00 and of 1,200.00; growth: the median of 20 and 16.67 %
  const told = { assessment, currency: 'USD', months: 3 };
  expect(fitSentence(told, 'en')).toBe(
    'In 3 months 24 % of the 12000 units of Calls in annual were used (by a year), changing by +18.3 % a month; lite would have cost 240.00 USD (by a year) instead of 300.00 USD, 20 % less, and at twice the usage annual fits, for 300.00 USD (by a year).',
  );
  expect(fitSentence(told, 'zh')).toBe(
    'annual 包含的 12000 个单位“Calls”按 3 个月（按年折算）使用 24%，用量每月变化 +18.3%；若使用 lite，费用为 240.00 USD（按年折算），而不是 300.00 USD，节省 20%，用量翻倍时适合 annual，费用为 300.00 USD（按年折算）。',
  );
});
