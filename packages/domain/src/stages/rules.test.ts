import { describe, expect, test } from 'vitest';
import { civilOf, epochDayOf } from '../time/index.ts';
import { directionOf } from './direction.ts';
import { type ChangeRules, changeRulesSchema, type RuledChange, ruleRefusals } from './rules.ts';

const DAY_MS = 86_400_000;
const on = (text: string) => Date.parse(text) / DAY_MS;
const shownDay = (day: number | null) => (day === null ? null : new Date(day * DAY_MS).toISOString().slice(0, 10));

/** Billed by calendar months; asked on 17 February at noon. */
function refusals(rules: ChangeRules, change: Partial<RuledChange>): (string | null)[][] {
  const firstOfMonth = (day: number) => {
    const { year, month, day: date } = civilOf(day);
    return date === 1 ? day : epochDayOf(month === 12 ? year + 1 : year, month === 12 ? 1 : month + 1, 1);
  };
  const asked = {
    kind: 'plan',
    direction: 'down',
    day: on('2026-02-17'),
    planSince: on('2026-01-01'),
    earlier: [],
    nowMs: Date.parse('2026-02-17T12:00:00Z'),
    startOfDayMs: (day: number) => day * DAY_MS,
    renewalFrom: firstOfMonth,
    ...change,
  } as const;
  return ruleRefusals(rules, asked).map(({ rule, allowedFrom }) => [rule, shownDay(allowedFrom)]);
}

describe('rules for changes', () => {
  test('a change at a renewal needs its notice, or waits for the next renewal', () => {
    const rules = { noticeHours: 48 };
    const lateFebruary = { nowMs: Date.parse('2026-02-27T00:00:01Z'), day: on('2026-03-01') };
    expect(refusals(rules, lateFebruary)).toEqual([['noticeHours', '2026-04-01']]);
    expect(refusals(rules, { ...lateFebruary, direction: 'up' })).toEqual([['noticeHours', '2026-04-01']]);
    expect(refusals(rules, { ...lateFebruary, nowMs: Date.parse('2026-02-27T00:00:00Z') })).toEqual([]);
  });

  test('what reduces needs its notice on every other day too, what adds does not', () => {
    expect(refusals({ noticeHours: 48 }, { day: on('2026-02-18') })).toEqual([['noticeHours', '2026-02-20']]);
    expect(refusals({ noticeHours: 48 }, { day: on('2026-02-18'), direction: 'up' })).toEqual([]);
  });

  test('windows, the minimum term, how often and downgrades at the end of a period each say from when on', () => {
    expect(refusals({ windows: [{ fromDay: 28, toDay: 3 }] }, {})).toEqual([['windows', '2026-02-28']]);
    expect(refusals({ windows: [{ fromDay: 28, toDay: 3 }] }, { day: on('2026-02-02') })).toEqual([]);
    expect(refusals({ minimumTermMonths: 12 }, { kind: 'cancel', direction: 'same' })).toEqual([
      ['minimumTermMonths', '2027-01-01'],
    ]);
    expect(refusals({ minimumTermMonths: 12 }, { direction: 'up' })).toEqual([]);
    const limit = { changes: 1, days: 30 };
    expect(refusals({ limit }, { earlier: [on('2026-02-01')] })).toEqual([['limit', '2026-03-03']]);
    expect(refusals({ limit }, { earlier: [on('2026-01-18')] })).toEqual([]);
    expect(refusals({ downgrade: 'period_end' }, {})).toEqual([['downgrade', '2026-03-01']]);
    expect(refusals({ downgrade: 'period_end' }, { day: on('2026-03-01') })).toEqual([]);
  });

  test('everything that refuses is said at once, and nothing keeps anybody from coming back', () => {
    const rules = { minimumTermMonths: 2, downgrade: 'period_end', noticeHours: 24 } as const;
    expect(refusals(rules, {}).map(([rule]) => rule)).toEqual(['noticeHours', 'minimumTermMonths', 'downgrade']);
    expect(refusals(rules, { kind: 'resume' })).toEqual([]);
  });

  test('the schema refuses unknown rules and values without a meaning', () => {
    expect(changeRulesSchema.safeParse({ noticeHours: 48, upgrade: 'full_price' }).success).toBe(true);
    for (const wrong of [{ noticeHours: 1.5 }, { limit: { changes: 1 } }, { windows: [] }, { changeFee: '0' }, { never: true }])
      expect(changeRulesSchema.safeParse(wrong).success).toBe(false);
  });
});

test('an upgrade is to higher fees in a year, or a higher committed minimum above them', () => {
  const fixed = (amount: string, every: 'month' | 'year', minimum?: string, seats = '1') => ({
    rateCards: [{ key: 'base', name: 'Base', price: { model: 'flat', amount } } as const],
    cadence: { every },
    commitment: minimum === undefined ? null : ({ minimumSpend: minimum, every: 'period' } as const),
    quantities: { base: seats },
  });
  expect(directionOf(fixed('10', 'month'), fixed('119', 'year'))).toBe('down');
  expect(directionOf(fixed('10', 'month'), fixed('120', 'year'))).toBe('same');
  expect(directionOf(fixed('10', 'month'), fixed('10', 'month', undefined, '2'))).toBe('up');
  expect(directionOf(fixed('10', 'month', '50'), fixed('40', 'month'))).toBe('down');
});
