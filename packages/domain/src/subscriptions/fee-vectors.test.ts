import { expect, test } from 'vitest';
import vectors from '../../../../test/data/vectors/lifecycle.json' with { type: 'json' };
import { compare, decimal } from '../money/index.ts';
import { rateCardCharge } from '../rating/index.ts';
import { localDateAt, parseInstantMs, startOfDateMs } from '../time/index.ts';
import { type BillingCadence, billingPeriodAt, type BillingPeriod } from './billing-period.ts';
import { feeShare } from './proration.ts';

/** Fees of cases whose days cannot be told from a start, an end and a cadence, and why. */
const INEXPRESSIBLE: Readonly<Record<string, string>> = {
  'lagop-fee-002': 'a trial',
  'lagop-fee-003': 'a trial',
  'lagop-fee-005': 'a trial',
  'lagop-fee-007': 'a trial',
  'lagop-fee-013': 'a trial',
  'lagop-fee-017': 'an upgrade within a trial: the last day goes to the new plan',
  'lagop-upgrade-001': 'an upgrade that keeps the anchor of the plan before it',
  'lagop-end-004': 'an end at the instant a period ends: its local day is billed here, as of every termination',
  'lagop-end-006': 'as lagop-end-004',
  'lagop-end-007': 'as lagop-end-004',
  'om-proration-prorate-zero-service': 'a fee for no time at all is whole there; here nothing is due for it',
  'om-proration-prorate-zero-full': 'a full period of no time does not exist',
};

interface Document {
  readonly kind: string;
  readonly amountCents?: string;
  readonly baseCents?: string;
  readonly days?: string;
  readonly daysInPeriod?: string;
}
interface FeeCase {
  readonly id: string;
  readonly kind: string;
  readonly plan: { readonly amountCents: string; readonly interval: string };
  readonly billing?: 'calendar' | 'anniversary';
  readonly timezone?: string;
  readonly startAt?: string;
  readonly terminatedAt?: string;
  readonly endingAt?: string;
  readonly steps?: readonly { readonly at: string; readonly do: string; readonly expect?: readonly Document[] }[];
  readonly expect?: readonly Document[];
}
interface DurationCase {
  readonly id: string;
  readonly kind: string;
  readonly amount: string;
  readonly currency: string;
  readonly enabled: boolean;
  readonly servicePeriod: { readonly from: string; readonly to: string };
  readonly fullServicePeriod: { readonly from: string; readonly to: string };
  readonly expected: { readonly total: string };
}

const EVERY: Readonly<Record<string, BillingCadence['every']>> = {
  weekly: 'week',
  monthly: 'month',
  quarterly: 'quarter',
  yearly: 'year',
};
const expressible = <T extends { readonly id: string; readonly kind: string }>(...kinds: readonly string[]): T[] =>
  (vectors as unknown as T[]).filter(({ id, kind }) => kinds.includes(kind) && !(id in INEXPRESSIBLE));

/** A date alone is its local midnight. */
function instant(text: string, timezone: string): number {
  if (!text.includes('T')) return startOfDateMs(Date.parse(text) / 86_400_000, timezone);
  const ms = parseInstantMs(text);
  if (ms === undefined) throw new Error(`not an instant: ${text}`);
  return ms;
}

/** Of an open or an ended subscription, the period that it starts or ends in. */
function periodOf(vector: FeeCase, startsAt: string | undefined, endsAt: string | undefined): BillingPeriod {
  const { plan, billing = 'calendar', timezone = 'UTC' } = vector;
  const every = EVERY[plan.interval];
  if (every === undefined) throw new Error(`no cadence for ${plan.interval}`);
  const endsAtMs = endsAt === undefined ? null : instant(endsAt, timezone);
  const startsAtMs = startsAt === undefined ? (endsAtMs ?? 0) - 800 * 86_400_000 : instant(startsAt, timezone);
  const period = billingPeriodAt({ every, anchor: billing }, { startsAtMs, endsAtMs, timezone }, endsAtMs ?? startsAtMs);
  if (period === undefined) throw new Error(`${vector.id}: nothing to bill`);
  return period;
}

function charge(amount: string, currency: string, share: { numerator: number; denominator: number }): string {
  const rateCard = { key: 'fee', name: 'Fee', price: { model: 'flat', amount } } as const;
  const proration = { prorationNumerator: share.numerator, prorationDenominator: share.denominator };
  return rateCardCharge({ currency, rateCard, usage: null, ...proration }).total;
}

/** A fee tells its days of days and its cents; one without days is whole. */
function expectFee(period: BillingPeriod, plan: FeeCase['plan'], expected: Document | undefined): void {
  if (expected?.kind !== 'subscription_fee') return;
  const { days = expected.daysInPeriod, daysInPeriod } = expected;
  if (days !== undefined) expect([String(period.days), String(period.daysInPeriod)]).toEqual([days, daysInPeriod]);
  else expect(period.days).toBe(period.daysInPeriod);
  expect(charge(plan.amountCents, 'JPY', feeShare(period))).toBe(expected.amountCents);
}

test('every case left out exists', () => {
  const ids = new Set((vectors as { id: string }[]).map(({ id }) => id));
  expect(Object.keys(INEXPRESSIBLE).filter((id) => !ids.has(id))).toEqual([]);
});

const starts = expressible<FeeCase>('start', 'subscription_fee', 'scheduled_end');
test.each(starts.map((vector) => [vector.kind, vector.id, vector] as const))(
  '%s %s gives the expected fee',
  (_kind, _id, vector) => {
    const period = periodOf(vector, vector.startAt, vector.terminatedAt ?? vector.endingAt);
    expect(vector.expect?.[0]?.kind).toBe('subscription_fee');
    expectFee(period, vector.plan, vector.expect?.[0]);
  },
);

const terminations = expressible<FeeCase>('terminate');
test.each(terminations.map((vector) => [vector.id, vector] as const))(
  '%s bills its start, its end and the days not used as expected',
  (_id, vector) => {
    const [started, ended] = vector.steps ?? [];
    const open = periodOf(vector, started?.at, undefined);
    expectFee(open, vector.plan, started?.expect?.[0]);
    const last = periodOf(vector, started?.at, ended?.at);
    expectFee(last, vector.plan, ended?.expect?.[0]);
    const credit = ended?.expect?.find(({ kind }) => kind === 'credit_note');
    if (credit?.days === undefined) return;
    const { timezone = 'UTC' } = vector;
    const endDate = localDateAt(instant(ended?.at ?? '', timezone), timezone);
    const uncut = billingPeriodAt(
      { every: EVERY[vector.plan.interval] ?? 'month', anchor: vector.billing ?? 'calendar' },
      { startsAtMs: instant(started?.at ?? '', timezone), endsAtMs: null, timezone },
      startOfDateMs(endDate, timezone),
    );
    expect([String((uncut?.days ?? 0) - last.days), String(last.daysInPeriod)]).toEqual([credit.days, credit.daysInPeriod]);
  },
);

const durations = expressible<DurationCase>('flat_proration');
test.each(durations.map((vector) => [vector.id, vector] as const))('%s prorates by duration as expected', (_id, vector) => {
  const [served, full] = [vector.servicePeriod, vector.fullServicePeriod].map(({ from, to }) => ({
    fromMs: instant(from, 'UTC'),
    toMs: instant(to, 'UTC'),
  })) as [{ fromMs: number; toMs: number }, { fromMs: number; toMs: number }];
  const period = billingPeriodAt(
    { every: 'month', anchor: 'calendar', proration: vector.enabled ? 'second' : 'none' },
    { startsAtMs: served.fromMs, endsAtMs: served.toMs, timezone: 'UTC' },
    served.fromMs,
  );
  if (period === undefined) throw new Error('nothing to bill');
  if (period.sharing?.by === 'second') expect(period.sharing.secondsInPeriod).toBe((full.toMs - full.fromMs) / 1000);
  const total = charge(vector.amount, vector.currency, feeShare(period));
  expect(compare(decimal(total), decimal(vector.expected.total))).toBe(0);
});
