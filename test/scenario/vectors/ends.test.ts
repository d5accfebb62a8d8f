import { afterAll, beforeAll, expect, it } from 'vitest';
import { changesPlan, type ExpectedDocument, followed, type LifecycleCase, money } from '../../support/lifecycle-vectors.ts';
import { type ScenarioServer, startScenario } from '../../support/scenario-server.ts';
import { beginCase, DAY_MS, expectFee, heldAt, instantOf, USAGE } from './lifecycle-run.ts';

/** Figures of an established billing system about ends, over HTTP, each case in a sandbox of its own. What is not compared: docs/guides/published-figures.md. */
interface EndCase extends LifecycleCase {
  readonly usageCents?: string;
  /** Held from 2 January on, and paid for by their days. */
  readonly recurringUnits?: string;
  readonly recurringPerUnitCents?: string;
  readonly events?: readonly { readonly at: string; readonly value: string }[];
  readonly onTermination?: string;
}

interface CreditNoteCase extends LifecycleCase {
  readonly startAt: string;
  readonly terminatedAt: string;
  readonly daysUnused: string;
  readonly daysInPeriod: string;
  readonly given: { readonly planAmountOnFee?: string; readonly onTermination?: string };
  readonly expect: { readonly subtotalCents: string };
}

interface ScheduledCase extends LifecycleCase {
  readonly startAt: string;
  readonly endingAt: string;
  readonly expect: readonly ExpectedDocument[];
}

const UNUSED_TIME: Readonly<Record<string, string>> = { refund: 'refund', skip: 'none' };
const unusedTimeOf = (onTermination = '') => UNUSED_TIME[onTermination] ?? 'credit';
const ofKind = (kind: string, documents: readonly ExpectedDocument[] = []) => documents.find((each) => each.kind === kind);

let server: ScenarioServer;
beforeAll(async () => {
  server = await startScenario();
}, 60_000);
afterAll(() => server.stop());

const HELD_FROM = '2024-01-02T00:00:00Z';

it.each(followed<EndCase>('terminate').filter((each) => !changesPlan(each)))(
  '$id bills and gives back what the vector says',
  async (vector) => {
    const { plan, steps = [], usageCents, onTermination } = vector;
    const { events = vector.recurringUnits === undefined ? [] : [{ at: HELD_FROM, value: vector.recurringUnits }] } = vector;
    const [begun, ended] = [steps[0], steps.find((step) => step.do === 'terminate')];
    const startMs = instantOf(begun?.at ?? '');
    const run = await beginCase(server, vector, startMs);
    // 3.00 for each of the 10 units of lagop-term-016.
    const held = heldAt(money(vector.recurringPerUnitCents ?? '300'));
    const rateCards = usageCents !== undefined ? [USAGE] : events.length > 0 ? [held] : [];
    await run.plan('plan', plan, { rateCards, unusedTime: unusedTimeOf(onTermination) });
    await run.subscribe('plan');
    if (usageCents !== undefined) await run.use(startMs, usageCents);
    for (const { at, value } of events) {
      await run.reach(instantOf(at));
      await run.use(instantOf(at), value);
    }
    const endMs = instantOf(ended?.at ?? '');
    if (new Date(endMs).getUTCMonth() !== new Date(startMs).getUTCMonth()) {
      await run.reach(new Date(endMs).setUTCDate(1));
      await run.bill();
    }
    await run.reach(endMs);
    await run.end();
    await run.reach(endMs + 26 * 3_600_000);
    await run.bill();

    const { fees, notes, periods } = await run.issued();
    expectFee(fees[0], ofKind('subscription_fee', begun?.expect));
    const note = ofKind('credit_note', ended?.expect);
    expect(notes.map(({ creditNote }) => creditNote?.amount)).toEqual(note ? [money(note.subtotalCents ?? '')] : []);
    if (note?.days !== undefined)
      expect(notes[0]?.creditNote?.lines).toMatchObject([{ unused: Number(note.days), inPeriod: Number(note.daysInPeriod) }]);
    const last = periods.at(-1);
    const fee = ofKind('subscription_fee', ended?.expect);
    if (fee) expectFee(last, fee);
    const usage = ofKind('usage_fee', ended?.expect)?.amountCents ?? usageCents ?? '0';
    expect(last?.lines.find(({ key }) => key !== 'base')?.amount ?? '0.00').toBe(money(usage));
    // In the end the usage is left to pay, less what was credited; taxes are left out.
    const credited = note === undefined || onTermination === 'refund' ? 0 : Number(note.subtotalCents);
    const due = Number(usage) + Number(fee?.amountCents ?? 0) - credited;
    if (plan.payInAdvance === true || fee) expect(last?.total).toBe(money(String(Math.max(due, 0))));
  },
);

it.each(followed<CreditNoteCase>('termination_credit_note'))('$id is credited', async (vector) => {
  const { plan, given, daysUnused, daysInPeriod } = vector;
  const run = await beginCase(server, vector, instantOf(vector.startAt));
  const unusedTime = unusedTimeOf(given.onTermination);
  const amountCents = given.planAmountOnFee ?? plan.amountCents ?? '';
  await run.plan('plan', { ...plan, amountCents }, { unusedTime });
  await run.subscribe('plan');
  await run.reach(instantOf('2022-10-01'));
  await run.bill();
  await run.reach(instantOf(vector.terminatedAt));
  await run.end();
  await run.reach(instantOf(vector.terminatedAt) + DAY_MS);
  await run.bill();
  expect((await run.issued()).notes.map(({ creditNote }) => creditNote)).toMatchObject([
    {
      amount: money(vector.expect.subtotalCents),
      treatment: unusedTime,
      lines: [{ unused: Number(daysUnused), inPeriod: Number(daysInPeriod) }],
    },
  ]);
});

it.each(followed<ScheduledCase>('scheduled_end'))('$id ends by itself, and pays its days', async (vector) => {
  const run = await beginCase(server, vector, instantOf(vector.startAt));
  const endMs = instantOf(vector.endingAt);
  await run.plan('plan', vector.plan);
  await run.subscribe('plan');
  await run.end(vector.endingAt);
  await run.reach(endMs + 26 * 3_600_000);
  await run.bill();
  expectFee((await run.issued()).periods[0], vector.expect[0]);
});

it('all of it reconciles', async () => {
  const { differences, documents } = await server.reconciled();
  expect(differences).toEqual([]);
  expect(documents).toBeGreaterThan(30);
});
