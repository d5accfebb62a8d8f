import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compare, decimal } from '../money/index.ts';
import { type MeteredMonths, planFit, type RatedByMonth, scaledQuantity, wholeMonthsBefore } from './index.ts';

const MONTHS = wholeMonthsBefore({ anchorMs: null, timezone: 'UTC', nowMs: Date.parse('2026-07-10T00:00:00Z'), count: 3 });

function rated(
  plan: string,
  totals: readonly [asUsed: string, doubled: string][],
  more: Partial<RatedByMonth> = {},
): RatedByMonth {
  const months = totals.map(([total, doubledTotal]) => ({ total, doubledTotal, used: ['0'], carried: ['0'] }));
  const terms = {
    plan,
    name: plan,
    planVersion: 1,
    every: 'month' as const,
    subscription: null,
    isOffered: true,
    meters: ['calls'],
    allowances: [],
    commitment: null,
  };
  return { ...terms, ...more, months };
}
const flat = (plan: string, asUsed: string, doubled: string, more: Partial<RatedByMonth> = {}) =>
  rated(plan, [[asUsed, doubled], [asUsed, doubled], [asUsed, doubled]], more); // prettier-ignore
const metered = (key: string, ...months: string[]): MeteredMonths => ({
  meter: { key, name: key, aggregation: 'sum' },
  months,
  days: null,
});
const subscribed = { id: 's1', plan: 'team', planVersion: 1, notCompared: null };
const input = {
  currency: 'USD',
  months: MONTHS,
  meters: [metered('calls', '10', '20', '30')],
  subscriptions: [subscribed],
  sinceMs: null,
};

describe('the plan that fits', () => {
  test('is the cheapest on what was used, and may be another at twice the usage', () => {
    const plans = [flat('team', '50.00', '60.00', { subscription: 's1' }), flat('small', '20.00', '90.00')];
    const [assessment] = planFit({ ...input, plans }).assessments;
    // 3 * 20 = 60 instead of 3 * 50 = 150: 90 less, 60 %; at twice the usage 3 * 60 = 180 is below 3 * 90 = 270
    expect(assessment?.now).toEqual({
      ...{ plan: 'small', planVersion: 1, every: 'month', isCurrent: false, total: '60.00', average: '20.00' },
      ...{ saving: '90.00', savingPercent: '60' },
    });
    expect(assessment?.doubled).toMatchObject({ plan: 'team', isCurrent: true, total: '180.00', saving: '0.00' });
  });

  test('prices everything that the subscription does and was used', () => {
    const meters = [...input.meters, metered('storage', '0', '1', '0'), metered('unused', '0', '0', '0')];
    const plans = [
      flat('team', '50.00', '50.00', { subscription: 's1', meters: ['calls', 'storage', 'unused'] }),
      flat('calls-only', '1.00', '1.00'),
      flat('both', '40.00', '40.00', { meters: ['calls', 'storage'] }),
    ];
    const [assessment] = planFit({ ...input, meters, plans }).assessments;
    expect(assessment?.now?.plan).toBe('both');
    expect(assessment?.uncovered).toEqual([{ plan: 'calls-only', planVersion: 1, meters: ['storage'] }]);
  });

  test('is not one that nobody can subscribe to any more, unless it is one’s own; of equals it is one’s own', () => {
    const own = flat('team', '30.00', '30.00', { subscription: 's1', isOffered: false });
    const others = [flat('a', '30.00', '30.00'), flat('old', '1.00', '1.00', { subscription: 's2', isOffered: false })];
    expect(planFit({ ...input, plans: [...others, own] }).assessments[0]?.now).toMatchObject({ plan: 'team', isCurrent: true });
  });

  test('without a subscription is the cheapest that prices all that was used', () => {
    const plans = [flat('none', '0.00', '0.00', { meters: [] }), flat('payg', '9.99', '19.98')];
    const [assessment] = planFit({ ...input, plans, subscriptions: [] }).assessments;
    expect(assessment).toMatchObject({ subscription: null, fits: 'no_subscription', now: { plan: 'payg', saving: null } });
  });

  test('costs the minimum of all that can stand in, whatever they cost', () => {
    const cents = fc.nat(1_000_000).map((units) => `${Math.trunc(units / 100)}.${String(units % 100).padStart(2, '0')}`);
    const months = fc.array(fc.tuple(cents, cents), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(months, { minLength: 1, maxLength: 8 }), (all) => {
        const plans = all.map((totals, index) => rated(`p${index}`, totals, index === 0 ? { subscription: 's1' } : {}));
        const fit = planFit({ ...input, plans });
        const [assessment] = fit.assessments;
        for (const plan of fit.plans) {
          expect(compare(decimal(assessment?.now?.total ?? ''), decimal(plan.total))).toBeLessThanOrEqual(0);
          expect(compare(decimal(assessment?.doubled?.total ?? ''), decimal(plan.doubledTotal))).toBeLessThanOrEqual(0);
        }
        expect(fit.plans.map(({ total }) => total)[0]).toBe(assessment?.now?.total);
      }),
    );
  });
});

describe('a subscription', () => {
  const allowance = (key: string) => ({ key, name: key, meter: 'calls', included: '100' });
  const fitsOf = (...used: [string, string][]) => {
    const months = used.map((each) => ({ total: '1.00', doubledTotal: '2.00', used: each, carried: [] }));
    const plan = { ...rated('team', [], { subscription: 's1', allowances: [allowance('a'), allowance('b')] }), months };
    return planFit({ ...input, plans: [plan] }).assessments[0];
  };

  test('is too large only if all its allowances are, and too small if one of them is', () => {
    expect(fitsOf(['10', '20'], ['10', '20'], ['10', '20'])).toMatchObject({ fits: 'too_large', allowance: { key: 'b' } });
    expect(fitsOf(['10', '90'], ['10', '90'], ['10', '90'])).toMatchObject({ fits: 'right', allowance: { key: 'b' } });
    expect(fitsOf(['101', '0'], ['101', '0'], ['0', '250'])).toMatchObject({ fits: 'too_small', allowance: { key: 'a' } });
  });

  test('that cannot be compared is said to be so, and nothing is chosen for it', () => {
    const subscriptions = [{ ...subscribed, notCompared: 'meter_archived' as const }];
    const [assessment] = planFit({ ...input, plans: [flat('payg', '1.00', '2.00')], subscriptions }).assessments;
    expect(assessment).toMatchObject({ fits: 'not_compared', now: null, doubled: null });
  });
});

describe('history', () => {
  const plans = [flat('team', '5.00', '5.00', { subscription: 's1' })];

  test('begins with the first usage or subscription, and months without usage after that count', () => {
    const fit = planFit({ ...input, plans, meters: [metered('calls', '0', '7', '0')] });
    expect(fit.months).toEqual(MONTHS.slice(1));
    // 2 months of 5.00
    expect(fit.plans[0]).toMatchObject({ months: ['5.00', '5.00'], total: '10.00', average: '5.00' });
    expect(fit.meters[0]).toMatchObject({ months: ['7', '0'], peakMonth: { quantity: '7', fromMs: MONTHS[1]?.fromMs } });
    const sinceMs = MONTHS[2]?.fromMs ?? 0;
    expect(planFit({ ...input, plans, meters: [metered('calls', '0', '0', '0')], sinceMs }).months).toEqual(MONTHS.slice(2));
  });

  test('of none there is nothing to judge by', () => {
    const fit = planFit({
      ...input,
      plans,
      meters: [metered('calls', '0', '0', '0')],
      sinceMs: Date.parse('2026-07-02T00:00:00Z'),
    });
    expect(fit).toMatchObject({ months: [], assessments: [{ fits: 'no_history', now: null, allowance: null }] });
  });
});

test('the highest day is told with its share of its month, which a peak meter does not have', () => {
  const day = (text: string, quantity: string) => ({ fromMs: Date.parse(`${text}T00:00:00Z`), quantity });
  const days = [day('2026-04-03', '10'), day('2026-05-01', '8'), day('2026-05-02', '12'), day('2026-06-30', '12')];
  const meters = [
    { ...metered('calls', '10', '20', '30'), days },
    { ...metered('peak', '10', '20', '30'), meter: { key: 'peak', name: 'peak', aggregation: 'max' as const }, days },
  ];
  const [calls, peak] = planFit({ ...input, plans: [], meters }).meters;
  // 12 of May's 20
  expect(calls).toMatchObject({ peakDay: { ...day('2026-05-02', '12'), percentOfMonth: '60' }, scaling: 'exact' });
  expect(peak).toMatchObject({ peakDay: { percentOfMonth: null }, scaling: 'assumed' });
});

test('scaling by one changes nothing, and scaling twice is scaling by the product', () => {
  const quantity = fc
    .tuple(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), fc.nat(9))
    .map(([n, d]) => (d === 0 ? `${n}` : `${n}.${d}`));
  fc.assert(
    fc.property(quantity, fc.bigInt({ min: 0n, max: 50n }), fc.bigInt({ min: 0n, max: 50n }), (text, a, b) => {
      expect(compare(decimal(scaledQuantity(text, 1n)), decimal(text))).toBe(0);
      expect(scaledQuantity(scaledQuantity(text, a), b)).toBe(scaledQuantity(text, a * b));
    }),
  );
});
