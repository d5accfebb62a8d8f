import { describe, expect, test } from 'vitest';
import { type BillingCadence, billingPeriods } from '../subscriptions/index.ts';
import { formatInstant } from '../time/index.ts';
import { commitmentTermAt } from './term.ts';

const at = (text: string) => Date.parse(text);
const open = { startsAtMs: at('2026-02-10T08:00:00Z'), endsAtMs: null, timezone: 'UTC' };
const MONTHS = { every: 'month', anchor: 'calendar' } as const;

function term(every: 'period' | 'year', cadence: BillingCadence, span: Parameters<typeof commitmentTermAt>[2], instant: string) {
  const found = commitmentTermAt({ every }, cadence, span, at(instant));
  return (
    found && [formatInstant(found.fromMs).slice(0, 10), formatInstant(found.toMs).slice(0, 10), found.days, found.daysInTerm]
  );
}

describe('the term of a commitment', () => {
  test('of a period is the billing period', () => {
    expect(term('period', MONTHS, open, '2026-02-20T00:00:00Z')).toEqual(['2026-02-10', '2026-03-01', 19, 28]);
  });

  test('of a year is 12 months from the month it starts in, of which the first is in part', () => {
    expect(term('year', MONTHS, open, '2026-02-20T00:00:00Z')).toEqual(['2026-02-10', '2027-02-01', 356, 365]);
    expect(term('year', MONTHS, open, '2027-02-01T00:00:00Z')).toEqual(['2027-02-01', '2028-02-01', 365, 365]);
  });

  test('counts from the day of an anniversary, 4 quarters or 52 weeks alike', () => {
    expect(term('year', { every: 'month', anchor: 'anniversary' }, open, '2027-02-09T00:00:00Z')).toEqual([
      '2026-02-10',
      '2027-02-10',
      365,
      365,
    ]);
    expect(term('year', { every: 'quarter', anchor: 'calendar' }, open, '2026-12-31T00:00:00Z')).toEqual([
      '2026-02-10',
      '2027-01-01',
      325,
      365,
    ]);
    // 10 February 2026 is a Tuesday: 52 weeks from the Monday before
    expect(term('year', { every: 'week', anchor: 'calendar' }, open, '2026-06-01T00:00:00Z')).toEqual([
      '2026-02-10',
      '2027-02-08',
      363,
      364,
    ]);
    expect(term('year', { every: 'year', anchor: 'calendar' }, open, '2026-06-01T00:00:00Z')).toEqual([
      '2026-02-10',
      '2027-01-01',
      325,
      365,
    ]);
  });

  test('ends with the day the subscription ends on, and is nowhere outside of it', () => {
    const ended = { ...open, endsAtMs: at('2026-06-30T10:00:00Z') };
    expect(term('year', MONTHS, ended, '2026-06-30T23:00:00Z')).toEqual(['2026-02-10', '2026-07-01', 141, 365]);
    expect(term('year', MONTHS, ended, '2026-07-01T00:00:00Z')).toBeUndefined();
    expect(term('year', MONTHS, ended, '2026-02-09T00:00:00Z')).toBeUndefined();
  });

  test('is made of whole billing periods, whose days are its days', () => {
    for (const every of ['week', 'month', 'quarter', 'year'] as const) {
      for (const anchor of ['calendar', 'anniversary'] as const) {
        const cadence = { every, anchor };
        const found = commitmentTermAt({ every: 'year' }, cadence, open, at('2027-09-01T00:00:00Z'));
        const inside = billingPeriods(cadence, open, { untilMs: at('2029-01-01T00:00:00Z') }).filter(
          ({ fromMs, toMs }) => found !== undefined && fromMs >= found.fromMs && toMs <= found.toMs,
        );
        expect(inside[0]?.fromMs).toBe(found?.fromMs);
        expect(inside.at(-1)?.toMs).toBe(found?.toMs);
        expect(inside.reduce((sum, { days }) => sum + days, 0)).toBe(found?.days);
      }
    }
  });
});
