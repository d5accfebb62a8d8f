import { expect, test } from 'vitest';
import vectors from '../../../../test/data/vectors/lifecycle.json' with { type: 'json' };
import { add, decimal, type Decimal, formatMoney, multiply, prorate } from '../money/index.ts';
import { type BillingCadence, billingPeriodAt, type SubscriptionSpan } from '../subscriptions/index.ts';
import { commitmentTermAt, NOTHING_SETTLED, settleCommitment } from './index.ts';

interface Plan {
  readonly amountCents: string;
  readonly interval: 'weekly' | 'monthly' | 'quarterly' | 'yearly';
  readonly minimumCommitmentCents?: string;
}
interface Document {
  readonly kind: string;
  readonly amountCents?: string;
  readonly totalCents?: string;
  readonly commitmentCents?: string;
  readonly subscriptionFeeCents?: string;
  readonly days?: string;
  readonly daysInPeriod?: string;
}
interface CommitmentCase {
  readonly id: string;
  readonly kind: string;
  readonly plan: Plan;
  readonly billing: 'calendar' | 'anniversary';
  readonly timezone: string;
  readonly startAt?: string;
  readonly firstBillAt?: string;
  readonly steps?: readonly { readonly at: string; readonly do: string; readonly expect?: readonly Document[] }[];
  readonly expect?: readonly Document[];
}

const EVERY = { weekly: 'week', monthly: 'month', quarterly: 'quarter', yearly: 'year' } as const;
const cases = (vectors as unknown as CommitmentCase[]).filter(({ kind }) => kind === 'minimum_commitment');

const money = (cents: string): Decimal => ({ units: BigInt(cents), scale: 2 });
const cents = (amount: string): string => formatMoney(multiply(decimal(amount), decimal('100')), 'JPY');

/** Without the formula, which is for people. */
function factsOf(document: (Document & { readonly calc?: string }) | undefined) {
  const { calc: _, ...facts } = document ?? { kind: 'missing' };
  return facts;
}

/** A period with its fee, prorated by days, and without usage: what the commitment adds. */
function settlePeriod(plan: Plan, billing: BillingCadence['anchor'], span: SubscriptionSpan, atMs: number) {
  const cadence = { every: EVERY[plan.interval], anchor: billing };
  const commitment = { minimumSpend: formatMoney(money(plan.minimumCommitmentCents ?? '0'), 'USD'), every: 'period' } as const;
  const period = billingPeriodAt(cadence, span, atMs);
  const term = commitmentTermAt(commitment, cadence, span, atMs);
  if (period === undefined || term === undefined) throw new Error('no period to bill');
  const fee = prorate(money(plan.amountCents), BigInt(period.days), BigInt(period.daysInPeriod), 2);
  const lines = [{ key: 'fee', amount: formatMoney(fee, 'USD') }];
  const settlement = settleCommitment({
    commitment,
    currency: 'USD',
    term,
    elapsedDays: period.days,
    spend: fee,
    settledBefore: NOTHING_SETTLED,
    lines,
  });
  return { period, fee, settlement };
}

test('there are 10 minimum commitments', () => {
  expect(cases.length).toBe(10);
});

test.each(cases.filter(({ expect }) => expect).map((each) => [each.id, each] as const))('%s', (_, vector) => {
  const span = { startsAtMs: Date.parse(vector.startAt ?? ''), endsAtMs: null, timezone: vector.timezone };
  const { period, fee, settlement } = settlePeriod(vector.plan, vector.billing, span, span.startsAtMs);
  const [expected] = vector.expect ?? [];
  expect(period.toMs).toBe(Date.parse(vector.firstBillAt ?? ''));
  expect({
    kind: 'commitment',
    amountCents: cents(settlement.lines[0]?.amount ?? '0'),
    commitmentCents: cents(settlement.minimum ?? '0'),
    subscriptionFeeCents: cents(formatMoney(fee, 'USD')),
    days: String(settlement.term.days),
    daysInPeriod: String(settlement.term.daysInTerm),
  }).toEqual(factsOf(expected));
});

test.each(cases.filter(({ steps }) => steps).map((each) => [each.id, each] as const))('%s', (_, vector) => {
  const steps = vector.steps ?? [];
  // A downgrade takes effect with the next period: the subscription to the first plan ends with the month it is in.
  const endsAtMs = Date.parse('2024-05-31T12:00:00Z');
  const span = { startsAtMs: Date.parse(steps[0]?.at ?? ''), endsAtMs, timezone: vector.timezone };
  const billed = steps.filter((step) => step.do === 'bill');
  expect(billed.length).toBe(3);
  for (const { at, expect: documents = [] } of billed) {
    const before = new Date(`${at.slice(0, 10)}T00:00:00Z`).getTime() - 1;
    const { fee, settlement } = settlePeriod(vector.plan, vector.billing, span, before);
    const trueUp = settlement.lines[0]?.amount ?? '0';
    const found: Record<string, string> = {
      subscription_fee: cents(formatMoney(fee, 'USD')),
      commitment: cents(trueUp),
      invoice: cents(formatMoney(add(fee, decimal(trueUp)), 'USD')),
    };
    for (const document of documents) expect(found[document.kind]).toBe(document.amountCents ?? document.totalCents);
  }
});

test('a minimum of usage alone is due for its days, as lagop-min-002 says', () => {
  const vector = (vectors as unknown as (CommitmentCase & { terminatedAt: string })[]).find(({ id }) => id === 'lagop-min-002');
  const usage = (vector?.expect ?? []).filter(({ kind }) => kind === 'usage_fee');
  const spend = usage.reduce((sum, { amountCents = '0' }) => add(sum, money(amountCents)), money('0'));
  const span = {
    startsAtMs: Date.parse('2023-01-08T08:00:00Z'),
    endsAtMs: Date.parse(vector?.terminatedAt ?? ''),
    timezone: 'UTC',
  };
  const commitment = { minimumSpend: '100.00', every: 'period' } as const;
  const term = commitmentTermAt(commitment, { every: 'month', anchor: 'calendar' }, span, span.endsAtMs);
  if (term === undefined) throw new Error('no period to bill');
  const input = { commitment, currency: 'USD', term, elapsedDays: term.days, spend, settledBefore: NOTHING_SETTLED, lines: [] };
  // 100.00 * 25 / 28 - 70.00
  expect(cents(settleCommitment(input).lines[0]?.amount ?? '0')).toBe(
    vector?.expect?.find(({ kind }) => kind === 'true_up')?.amountCents,
  );
});
