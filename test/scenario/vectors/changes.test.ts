import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  changesPlan,
  type CaseStep,
  type ExpectedDocument,
  followed,
  type LifecycleCase,
  money,
} from '../../support/lifecycle-vectors.ts';
import { type ScenarioServer, startScenario } from '../../support/scenario-server.ts';
import {
  beginCase,
  DAY_MS,
  expectFee,
  heldAt,
  instantOf,
  type Issued,
  type LifecycleRun,
  sumOf,
  USAGE,
} from './lifecycle-run.ts';

/** Changes of plan of an established billing system, over HTTP, each case in a sandbox of its own. What is not compared: docs/guides/published-figures.md. */
interface ChangeCase extends LifecycleCase {
  readonly recurringPerUnitCents?: string;
  readonly steps: readonly CaseStep[];
}

let server: ScenarioServer;
beforeAll(async () => {
  server = await startScenario();
}, 60_000);
afterAll(() => server.stop());

const cases = followed<ChangeCase>('upgrade', 'downgrade', 'terminate', 'minimum_commitment').filter(changesPlan);

it.each(cases)('$id bills and gives back step by step what the vector says', async (vector) => {
  const { plan, steps, recurringPerUnitCents, taxRatePct = '0' } = vector;
  const rateCards = recurringPerUnitCents === undefined ? [] : [heldAt(money(recurringPerUnitCents))];
  // What is up and what is down is told by the fees of a year.
  const terms = { rateCards, changeRules: { downgrade: 'period_end' } };
  const run = await beginCase(server, vector, instantOf(steps[0]?.at ?? ''));
  const seen = new Set<string>();
  for (const [index, step] of steps.entries()) {
    const key = `plan-${index}`;
    if (index === 0 || step.plan !== undefined) await run.plan(key, step.plan ?? plan, terms);
    await run.reach(instantOf(step.at));
    await take(run, step, key);
    const issued = newIn(await run.issued(), seen);
    if (step.expect !== undefined) expectStep(issued, step, taxRatePct === '0');
  }
});

/** Does what a step says, with the plan that it says. */
async function take(run: LifecycleRun, step: CaseStep, plan: string): Promise<void> {
  switch (step.do) {
    case 'subscribe':
      return run.subscribe(plan);
    case 'upgrade':
      return run.change(plan);
    case 'downgrade':
      expect((await run.refusedChange(plan)).code).toBe('subscription.rule_refuses');
      return run.change(plan, 'period_end');
    case 'event':
      return run.use(instantOf(step.at), step.value ?? '');
    case 'terminate':
      await run.end();
      await run.reach(instantOf(step.at) + DAY_MS);
      return run.bill();
    case 'bill':
      return run.bill();
    default:
      throw new Error(`nothing is known of ${step.do}`);
  }
}

/** The documents not seen before, which are seen then. */
function newIn({ all, fees, notes, periods }: Issued, seen: Set<string>): Issued {
  const isNew = ({ id }: { readonly id: string }) => !seen.has(id);
  const issued = { all: all.filter(isNew), fees: fees.filter(isNew), notes: notes.filter(isNew), periods: periods.filter(isNew) };
  for (const { id } of issued.all) seen.add(id);
  return issued;
}

function expectStep(
  { all, fees, notes, periods }: Issued,
  { do: what, expect: expected = [], period }: CaseStep,
  isUntaxed: boolean,
): void {
  const ofKind = (kind: string): ExpectedDocument | undefined => expected.find((each) => each.kind === kind);
  if (expected.length === 0) expect(all).toEqual([]);
  const fee = ofKind('subscription_fee');
  const behind = fees[0] ?? periods.at(-1);
  if (fee !== undefined) expectFee(behind, fee);
  // Of a plan that is left the period ends with it.
  if (fee !== undefined && period !== undefined && what !== 'terminate') {
    const [from = '', through = ''] = period.split('..');
    expect(behind?.period.from.slice(0, 10)).toBe(from);
    expect(instantOf(behind?.period.to ?? '')).toBe(instantOf(through) + DAY_MS);
  }
  const note = ofKind('credit_note');
  const given = notes.flatMap(({ creditNote }) => creditNote?.lines ?? []);
  expect(given.map(({ amount, unused, inPeriod }) => [amount, unused, inPeriod])).toEqual(
    note === undefined ? [] : [[money(note.subtotalCents ?? ''), Number(note.days), Number(note.daysInPeriod)]],
  );
  const usage = ofKind('usage_fee')?.amountCents;
  if (usage !== undefined)
    expect(periods.flatMap(({ lines }) => lines).find(({ key }) => key === 'held')?.amount).toBe(money(usage));
  const commitment = ofKind('commitment')?.amountCents;
  if (commitment !== undefined)
    expect(periods[0]?.commitments?.[0]?.lines).toMatchObject([{ kind: 'true_up', amount: money(commitment) }]);
  const total = ofKind('invoice')?.totalCents;
  if (total !== undefined && isUntaxed) expect(sumOf([...fees, ...periods].map((each) => each.total))).toBe(money(total));
}

it('usage on the day of a change costs what the plan says that the day ends with, unlike in lagop-upgrade-009', async () => {
  const run = await beginCase(server, { id: 'a-day-has-one-plan' }, instantOf('2024-01-10T06:20:00Z'));
  const priced = (unitAmount: string) => ({ rateCards: [{ ...USAGE, price: { model: 'per_unit', unitAmount } }] });
  const plan = { amountCents: '0', interval: 'monthly' };
  await run.plan('free', plan, priced('0'));
  await run.plan('paid', plan, priced('1'));
  await run.subscribe('free');
  await run.use(instantOf('2024-01-10T06:20:00Z'), '10');
  await run.reach(instantOf('2024-01-10T08:30:00Z'));
  await run.change('paid');
  expect(await run.spend()).toBe('10.00');
  await run.use(instantOf('2024-01-10T08:35:00Z'), '10000');
  await run.reach(instantOf('2024-01-10T08:40:00Z'));
  expect(await run.spend()).toBe('10010.00');
  await run.change('free');
  expect(await run.spend()).toBe('0.00');
});

it('all of it reconciles', async () => {
  const { differences, documents } = await server.reconciled();
  expect(differences).toEqual([]);
  expect(documents).toBeGreaterThan(20);
});
