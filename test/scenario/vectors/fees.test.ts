import { afterAll, beforeAll, expect, it } from 'vitest';
import { changesPlan, type ExpectedDocument, followed, type LifecycleCase, money } from '../../support/lifecycle-vectors.ts';
import { type ScenarioServer, startScenario } from '../../support/scenario-server.ts';
import { baseOf, beginCase, DAY_MS, expectFee, instantOf, sumOf, USAGE } from './lifecycle-run.ts';

/** Fees, trials and commitments of an established billing system, over HTTP, each case in a sandbox of its own. What is not compared: docs/guides/published-figures.md. */
interface FeeCase extends LifecycleCase {
  readonly startAt?: string;
  readonly terminatedAt?: string;
  /** Both ends included. */
  readonly period?: string;
  readonly trialDays?: string;
  /** To a plan that the last day belongs to. */
  readonly upgraded?: boolean;
  readonly expect: readonly ExpectedDocument[];
}

interface CommitmentCase extends LifecycleCase {
  readonly startAt: string;
  readonly firstBillAt: string;
  readonly expect: readonly ExpectedDocument[];
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

let server: ScenarioServer;
beforeAll(async () => {
  server = await startScenario();
}, 60_000);
afterAll(() => server.stop());

/** Days on which the base fee is free. */
const trialOf = (days: string | undefined) =>
  days === undefined
    ? {}
    : { phases: [{ key: 'trial', name: 'Trial', lasts: { days: Number(days) }, trial: { converts: 'always' }, rateCards: [{ key: 'base', percentOff: '100' }] }] }; // prettier-ignore

it.each(followed<FeeCase>('start'))('$id is invoiced as it starts, and for nothing else', async (vector) => {
  const run = await beginCase(server, vector, instantOf(vector.startAt ?? ''));
  await run.plan('plan', vector.plan);
  await run.subscribe('plan');
  const { all, fees } = await run.issued();
  expect(all).toHaveLength(1);
  expectFee(fees[0], vector.expect[0]);
});

/** Of those that say it in words alone: a Monday, a trial of 15 days in March, one of 3 days behind which two are left. */
function startOf({ startAt, period, terminatedAt, upgraded }: FeeCase): string {
  return (
    startAt ??
    period?.slice(0, 10) ??
    (terminatedAt === undefined ? '2022-03-01' : upgraded === true ? '2022-03-15' : '2022-03-14')
  );
}

/** Its first invoice is due by then. */
const DONE_AFTER_DAYS: Readonly<Record<string, number>> = { weekly: 8, monthly: 32, yearly: 300 };

it.each(followed<FeeCase>('subscription_fee'))('$id pays its days', async (vector) => {
  const { plan, trialDays, terminatedAt, upgraded, expect: [expected] } = vector; // prettier-ignore
  const startMs = instantOf(startOf(vector));
  const run = await beginCase(server, vector, startMs);
  await run.plan('plan', plan, trialOf(trialDays));
  await run.subscribe('plan');
  if (trialDays !== undefined && plan.payInAdvance === true) {
    // Its fee is due when the trial is over.
    await run.reach(startMs + Number(trialDays) * DAY_MS);
    await run.bill();
  }
  if (terminatedAt !== undefined) {
    await run.reach(instantOf(terminatedAt));
    if (upgraded === true) {
      await run.plan('next', plan);
      await run.change('next');
    } else await run.end();
  }
  await run.reach(
    terminatedAt === undefined ? startMs + (DONE_AFTER_DAYS[plan.interval] ?? 0) * DAY_MS : instantOf(terminatedAt) + DAY_MS,
  );
  await run.bill();
  const { fees, periods } = await run.issued();
  const billed = plan.payInAdvance === true ? fees : periods;
  // A trial has an invoice of its own, of nothing; where it lasts beyond the period that is the one.
  const behind = billed.find(({ phase }) => phase === undefined);
  if (expected?.days === '0') expect(periods.map(baseOf)).toEqual([money(expected.amountCents ?? '')]);
  else expectFee(behind, expected);
});

it.each(followed('trial'))('$id pays its fee from the end of the trial on, and usage always', async (vector) => {
  const { plan, steps: [begun, ...steps] = [] } = vector; // prettier-ignore
  const unitCents = steps.find(({ perUnitCents }) => perUnitCents !== undefined)?.perUnitCents ?? '1';
  const run = await beginCase(server, vector, instantOf(begun?.at ?? ''));
  const used = { ...USAGE, price: { model: 'per_unit', unitAmount: money(unitCents) } };
  const { minimumCommitmentCents: _, ...fee } = plan;
  await run.plan('plan', fee, { rateCards: [used], ...trialOf(plan.trialDays) });
  await run.subscribe('plan');
  for (const { at, value } of steps) {
    await run.reach(instantOf(at));
    await (value === undefined ? run.bill() : run.use(instantOf(at), value));
  }
  const { fees, periods } = await run.issued();
  const expected = (kind: string) => steps.flatMap((step) => step.expect ?? []).filter((each) => each.kind === kind);
  for (const [index, each] of expected('subscription_fee').entries()) expectFee(fees[index], each);
  expect(fees).toHaveLength(expected('subscription_fee').length);
  const usage = periods.flatMap(({ lines }) => lines.filter(({ key, amount }) => key === 'used' && amount !== '0.00'));
  expect(usage.map(({ amount }) => amount)).toEqual(expected('usage_fee').map(({ amountCents = '' }) => money(amountCents)));
});

it.each(followed<CommitmentCase>('minimum_commitment').filter((each) => !changesPlan(each)))(
  '$id is raised to the share of its minimum',
  async (vector) => {
    const { plan, startAt, firstBillAt, expect: [expected] } = vector; // prettier-ignore
    const run = await beginCase(server, vector, instantOf(startAt));
    await run.plan('plan', plan);
    await run.subscribe('plan');
    await run.reach(instantOf(firstBillAt));
    await run.bill();
    const { periods } = await run.issued();
    const { commitmentCents = '', subscriptionFeeCents = '', amountCents = '', days, daysInPeriod } = expected ?? {};
    expect(periods.map(baseOf)).toEqual([money(subscriptionFeeCents)]);
    expect(periods[0]?.commitments).toMatchObject([
      {
        term: { days: Number(days), daysInTerm: Number(daysInPeriod) },
        minimum: money(commitmentCents),
        spend: money(subscriptionFeeCents),
        lines: [{ kind: 'true_up', amount: money(amountCents) }],
      },
    ]);
  },
);

it.each(followed<FeeCase>('spending_minimum'))('$id is raised to the share of its minimum of usage', async (vector) => {
  const ofKind = (kind: string) => vector.expect.filter((each) => each.kind === kind).map(({ amountCents = '' }) => amountCents);
  const run = await beginCase(server, vector, instantOf('2023-01-08T08:00:00Z'));
  await run.plan('plan', vector.plan, { rateCards: [{ ...USAGE, modifiers: { minimumSpend: '100.00' } }] });
  await run.subscribe('plan');
  await run.reach(instantOf('2023-02-01'));
  await run.bill();
  const endMs = instantOf(vector.terminatedAt ?? '');
  for (const [index, cents] of ofKind('usage_fee').entries()) await run.use(instantOf('2023-02-01') + index, cents);
  await run.reach(endMs);
  await run.end();
  await run.reach(endMs + DAY_MS);
  await run.bill();
  const { notes, periods } = await run.issued();
  const used = periods.at(-1)?.lines.find(({ key }) => key === 'used');
  expect(sumOf([used?.amount ?? '', '-70.00'])).toBe(money(ofKind('true_up')[0] ?? '')); // 100.00 * 25 / 28 - 70.00
  expect(notes.map(({ creditNote }) => creditNote?.amount)).toEqual(['5.36']); // 50.00 * 3 / 28; the 6.43 of the vector are 1.2 times that
});

it.each(followed<DurationCase>('flat_proration'))('$id pays its seconds', async (vector) => {
  const { servicePeriod: { from, to }, fullServicePeriod, amount, currency, enabled, expected } = vector; // prettier-ignore
  const run = await beginCase(server, { id: vector.id, billing: 'calendar' }, instantOf(from));
  const fee = { interval: 'monthly', amountCents: currency === 'USD' ? `${amount}00` : amount };
  await run.plan('plan', fee, { currency, proration: enabled ? 'second' : 'none' });
  await run.subscribe('plan');
  await run.end(to);
  await run.reach(instantOf(to) + DAY_MS);
  await run.bill();
  const { periods } = await run.issued();
  expect(periods.map(({ total }) => Number(total))).toEqual([Number(expected.total)]);
  const wholeSeconds = (instantOf(fullServicePeriod.to) - instantOf(fullServicePeriod.from)) / 1000;
  expect(periods[0]?.period.sharing).toMatchObject(enabled ? { from, to, secondsInPeriod: wholeSeconds } : { by: 'none' });
});

it('all of it reconciles', async () => {
  const { differences, documents } = await server.reconciled();
  expect(differences).toEqual([]);
  expect(documents).toBeGreaterThan(40);
});
