import { afterAll, beforeAll, expect, it } from 'vitest';
import { followed, type LifecycleCase } from '../../support/lifecycle-vectors.ts';
import { type ScenarioServer, startScenario } from '../../support/scenario-server.ts';
import { beginCase, DAY_MS, instantOf } from './lifecycle-run.ts';

/** Periods of an established billing system, over HTTP, each case in a sandbox of its own. What is not compared: docs/guides/published-figures.md. */
interface BoundaryCase extends LifecycleCase {
  readonly subscriptionAt: string;
  readonly billingAt: string;
  /** `to` is the last second of the period. */
  readonly expect: { readonly from?: string; readonly to: string };
}

interface DivisorCase extends LifecycleCase {
  readonly subscriptionAt: string;
  /** Where the plan began later than the periods that it goes on with. */
  readonly startedAt: string;
  readonly billingAt: string;
  readonly expect: { readonly daysInPeriod: string };
}

interface SequenceCase extends LifecycleCase {
  readonly startAt: string;
  readonly expect: readonly { readonly billAt: string; readonly from: string; readonly to: string }[];
}

interface RunCase extends LifecycleCase {
  readonly startAt: string;
  readonly noInvoiceAt: readonly string[];
  readonly exactlyOneInvoiceAcross: readonly string[];
  readonly stillOneInvoiceAt: readonly string[];
}

interface DaysCase extends LifecycleCase {
  readonly startAt: string;
  readonly expect: readonly string[];
}

let server: ScenarioServer;
beforeAll(async () => {
  server = await startScenario();
}, 60_000);
afterAll(() => server.stop());

const text = (ms: number) => new Date(ms).toISOString().replace('.000', '');
const behind = (lastSecond: string) => text(instantOf(lastSecond) + 1000);

it.each(followed<BoundaryCase>('period_boundary'))('$id is billed for the period of the vector', async (vector) => {
  const { plan, timezone, subscriptionAt, billingAt, expect: expected } = vector;
  const run = await beginCase(server, vector, instantOf(subscriptionAt, timezone));
  await run.plan('plan', plan);
  await run.subscribe('plan');
  await run.reach(instantOf(billingAt));
  await run.bill();
  const { fees, periods } = await run.issued();
  const { from, to } = (plan.payInAdvance === true ? fees : periods).at(-1)?.period ?? {};
  expect({ from, to }).toEqual({ from: expected.from ?? from, to: behind(expected.to) });
});

it.each(followed<DivisorCase>('period_divisor'))('$id shares its fee by the days of the vector', async (vector) => {
  const { plan, timezone, subscriptionAt, startedAt, billingAt, expect: expected } = vector;
  const run = await beginCase(server, vector, instantOf(subscriptionAt, timezone));
  await run.plan('plan', plan);
  await run.subscribe('plan');
  const isChanged = startedAt !== subscriptionAt;
  if (isChanged) {
    await run.plan('next', plan);
    await run.reach(instantOf(startedAt, timezone));
    await run.change('next');
  }
  await run.reach(instantOf(billingAt, timezone));
  // The days of the plan that began within a period are billed when it ends.
  if (isChanged) await run.end();
  if (isChanged) await run.reach(instantOf(billingAt, timezone) + DAY_MS);
  await run.bill();
  const { plan: billed, period } = (await run.issued()).periods.at(-1) ?? {};
  expect([billed, period?.daysInPeriod]).toEqual([isChanged ? 'next' : 'plan', Number(expected.daysInPeriod)]);
});

it.each(followed<SequenceCase>('period_sequence'))('$id is billed for the periods of the vector, one by one', async (vector) => {
  const { plan, startAt, timezone, expect: expected } = vector;
  const run = await beginCase(server, vector, instantOf(startAt));
  await run.plan('plan', plan);
  await run.subscribe('plan');
  for (const [index, { billAt }] of expected.entries()) {
    await run.reach(instantOf(billAt, timezone));
    await run.bill();
    const { fees, periods } = await run.issued();
    const billed = (plan.payInAdvance === true ? fees : periods).map(({ period }) => ({ from: period.from, to: period.to }));
    expect(billed).toEqual(expected.slice(0, index + 1).map(({ from, to }) => ({ from, to: behind(to) })));
  }
});

it.each(followed<DaysCase>('billing_days'))('$id is billed on the days of the vector, and not the day before', async (vector) => {
  const { plan, startAt, timezone, expect: days } = vector;
  const run = await beginCase(server, vector, instantOf(startAt, timezone));
  await run.plan('plan', plan);
  await run.subscribe('plan');
  for (const [index, day] of days.entries()) {
    for (const [atMs, count] of [
      [instantOf(day, timezone) - 60_000, index],
      [instantOf(day, timezone), index + 1],
    ] as const) {
      // prettier-ignore
      await run.reach(atMs);
      await run.bill();
      expect((await run.issued()).periods).toHaveLength(count);
    }
  }
});

it.each(followed<RunCase>('billing_run'))('$id gets one invoice, however often it is run', async (vector) => {
  const { plan, startAt, noInvoiceAt, exactlyOneInvoiceAcross, stillOneInvoiceAt } = vector;
  const run = await beginCase(server, vector, instantOf(startAt));
  await run.plan('plan', plan);
  await run.subscribe('plan');
  const invoicesAt = async (atMs: number) => {
    await run.reach(atMs);
    await run.bill();
    return (await run.issued()).periods.length;
  };
  // Periods before the one that the case looks at.
  const before = await invoicesAt(instantOf(noInvoiceAt[0] ?? '') - 6 * 3_600_000);
  for (const at of noInvoiceAt) expect(await invoicesAt(instantOf(at))).toBe(before);
  for (const at of [...exactlyOneInvoiceAcross, ...stillOneInvoiceAt]) expect(await invoicesAt(instantOf(at))).toBe(before + 1);
});

it('all of it reconciles', async () => {
  const { differences, documents } = await server.reconciled();
  expect(differences).toEqual([]);
  expect(documents).toBeGreaterThan(100);
});
