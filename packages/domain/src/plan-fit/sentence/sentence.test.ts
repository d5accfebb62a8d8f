import { expect, test } from 'vitest';
import { planFit, type RatedPlan, wholeMonthsBefore } from '../index.ts';
import { fitSentence } from './index.ts';

const MONTHS = wholeMonthsBefore({ anchorMs: null, timezone: 'UTC', nowMs: Date.parse('2026-07-10T00:00:00Z'), count: 3 });

interface Story {
  readonly used: readonly string[];
  readonly team?: [asUsed: string, doubled: string];
  readonly other?: [asUsed: string, doubled: string];
  readonly included?: string | null;
  readonly notCompared?: 'cadence' | 'meter_archived';
  readonly subscribed?: boolean;
  readonly covers?: boolean;
}

/** English and Chinese of a subscription to team (unless said otherwise), beside a plan small. */
function told(story: Story): string[] {
  const { used, team = ['100.00', '100.00'], other = ['20.00', '150.00'], included = '1000', subscribed = true } = story;
  const plan = (key: string, [total, doubledTotal]: [string, string], isOwn: boolean): RatedPlan => ({
    ...{ plan: key, name: key, planVersion: 1, subscription: isOwn ? 's1' : null, isOffered: true, commitment: null },
    meters: isOwn || story.covers !== false ? ['calls'] : [],
    allowances: isOwn && included !== null ? [{ key: 'calls', name: 'Calls', meter: 'calls', included }] : [],
    months: used.map((quantity) => ({ total, doubledTotal, used: [quantity], carried: [] })),
  });
  const plans = [plan('small', other, false)];
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
  expect(told({ used: ['5'], notCompared: 'cadence' })).toEqual([
    'team cannot be compared by the month: it bills by another period.',
    'team 无法按月比较：其计费周期不是月。',
  ]);
  expect(told({ used: ['5'], notCompared: 'meter_archived' })[0]).toBe(
    'team cannot be compared by the month: it prices a meter that is archived.',
  );
  expect(told({ used: [] })).toEqual(['There is no whole month of usage to judge by yet.', '还没有一个完整月份的用量可供判断。']);
});
