import { catalogStores } from '@meterline/backends/postgres';
import type { InvoiceDocument } from '@meterline/domain/invoices';
import type { RateCard } from '@meterline/domain/prices';
import { executeInvoiceRun, requestInvoiceRun } from '@meterline/pipeline/invoices';
import {
  type NewPlanMove,
  type PlanMovePorts,
  processPlanMoves,
  requestPlanMove,
  requeuePlanMoves,
} from '@meterline/pipeline/plan-moves';
import type { Database, PlanMoveStep } from '@meterline/pipeline/ports';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openTestDatabase } from '../../../test/support/database.ts';
import { openRatingFixture, type RatingFixture } from '../../../test/support/rating.ts';
import { changeNow } from '../../../test/support/subscription-changes.ts';

const fee = (amount: string): RateCard => ({ key: 'base', name: 'Base', price: { model: 'flat', amount } });

let database: Database;
let it: RatingFixture;
let ids: Record<string, string>;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  it = await openRatingFixture(database, '2026-01-01T00:00:00Z');
  await it.plan('pro', [fee('31.00')]);
  await it.plan('max', [fee('93.00')]);
  const { plans } = catalogStores(database);
  await plans.addVersion('pro', { rateCards: [fee('62.00')] }, it.clock.nowMs(), it.tenant);
  ids = {};
  for (const key of ['acme', 'beta', 'gamma']) {
    await it.customer(key, [key]);
    ids[key] = await it.subscribe(key, 'pro', '2026-01-01T00:00:00Z');
  }
  it.clock.moveTo(Date.parse('2026-01-17T12:00:00Z'));
});
afterEach(() => it.close());

const id = (key: string) => ids[key] ?? '';

/** Asks for a move, and works on it until nothing is left to be tried. */
async function move(input: Partial<NewPlanMove>, ports: PlanMovePorts = it.ports) {
  await processPlanMoves(ports);
  const asked = { toVersion: 2, when: 'now', ...input } as const;
  const { id: moved } = await requestPlanMove(it.ports, 'pro', asked, it.tenant);
  await it.jobs.idle();
  return outcome(moved);
}

async function outcome(moved: string) {
  const found = await it.ports.planMoves.move(moved, it.tenant);
  const { items } = await it.ports.planMoves.steps(moved, { after: null, limit: 100 }, it.tenant);
  return { move: found, steps: new Map(items.map((step): [string, PlanMoveStep] => [step.customer, step])) };
}

async function stagesOf(key: string): Promise<(string | number)[][]> {
  const subscription = await it.ports.subscriptions.byId(id(key), it.tenant);
  return (subscription?.stages ?? []).map(({ fromMs, planVersion }) => [
    new Date(fromMs).toISOString().slice(0, 10),
    planVersion,
  ]);
}

const madeBy = async (key: string) =>
  (await it.ports.subscriptions.changes(id(key), it.tenant)).filter(({ kind }) => kind === 'plan');

describe('a move', () => {
  test('leaves the customer the changes that its plan allows it', async () => {
    await it.changeRules('pro', { limit: { changes: 1, days: 30 } });
    await move({ customers: ['acme'] });
    const own = { kind: 'quantity', quantities: { base: '2' } } as const;
    await changeNow(it, id('acme'), own);
    await expect(changeNow(it, id('acme'), { ...own, quantities: { base: '3' } })).rejects.toMatchObject({
      errors: [{ path: 'changeRules.limit' }],
    });
  });

  test('brings those it is about to the version from today on, or with their next period, and leaves the others', async () => {
    const now = await move({ customers: ['acme'] });
    expect(now.move).toMatchObject({ state: 'complete', counts: { pending: 0, moved: 1, skipped: 0, failed: 0 } });
    const later = await move({ when: 'renewal', exceptCustomers: ['gamma'] });
    expect(later.move?.counts).toMatchObject({ moved: 1 });
    expect(later.steps.get('beta')).toMatchObject({
      state: 'moved',
      fromVersion: 1,
      effectiveAtMs: Date.parse('2026-02-01T00:00:00Z'),
    });
    expect(await Promise.all(['acme', 'beta', 'gamma'].map(stagesOf))).toEqual([
      [
        ['2026-01-01', 1],
        ['2026-01-17', 2],
      ],
      [
        ['2026-01-01', 1],
        ['2026-02-01', 2],
      ],
      [['2026-01-01', 1]],
    ]);
    expect((await it.messages('subscription.changed')).map(({ customer }) => customer)).toEqual(['acme', 'beta']);
    expect((await move({ fromVersions: [3] })).move?.counts).toMatchObject({ moved: 0, skipped: 0 });
  });

  test("is the vendor's own: it asks no rule of the plan, and no fee for the change is due", async () => {
    await it.changeRules('pro', { minimumTermMonths: 12, changeFee: '5.00', noticeHours: 1000, upgrade: 'full_price' });
    expect((await move({ customers: ['acme'] })).move?.counts).toMatchObject({ moved: 1 });
    const [change] = await madeBy('acme');
    expect([change?.fee, change?.paysWhole]).toEqual([undefined, undefined]);
  });

  test('keeps a commitment that the subscription agreed on by itself', async () => {
    await it.customer('delta', ['delta']);
    const commitment = { minimumSpend: '100.00', every: 'period' } as const;
    ids['delta'] = await it.subscribe('delta', 'pro', '2026-01-01T00:00:00Z', commitment);
    await move({});
    expect((await madeBy('delta')).map(({ terms }) => terms?.commitment)).toEqual([commitment]);
    expect((await madeBy('acme')).map(({ terms }) => terms?.commitment)).toEqual([null]);
  });

  test('skips, and says why, what is under another plan by then, under this one for a while only, or ends before', async () => {
    await changeNow(it, id('acme'), { kind: 'plan', plan: 'max', at: 'period_end' });
    await changeNow(it, id('beta'), { kind: 'cancel', at: 'period_end' });
    await changeNow(it, id('gamma'), { kind: 'plan', plan: 'max', at: 'now' });
    await changeNow(it, id('gamma'), {
      kind: 'plan',
      plan: 'pro',
      version: 1,
      at: '2026-01-17T13:00:00Z',
      until: '2026-03-01T00:00:00Z',
    });
    const { steps, move: done } = await move({ when: 'renewal' });
    expect(done).toMatchObject({ state: 'complete', counts: { moved: 0, skipped: 3, failed: 0 } });
    expect(['acme', 'beta', 'gamma'].map((key) => steps.get(key)?.reason)).toEqual([
      { code: 'plan_move.other_plan', message: 'It is under plan "max", version 1 by then.' },
      { code: 'subscription.ended', message: expect.stringContaining('ended by then') },
      { code: 'plan_move.temporary', message: 'It is under this version until 2026-03-01T00:00:00Z only.' },
    ]);
  });

  test('that is killed behind a change it made, before it noted that, makes it once', async () => {
    let kills = 1;
    const planMoves: PlanMovePorts['planMoves'] = {
      ...it.ports.planMoves,
      async putStep(...step) {
        if (kills-- > 0) throw new Error('killed');
        await it.ports.planMoves.putStep(...step);
      },
    };
    const { move: done } = await move({}, { ...it.ports, planMoves });
    expect(it.jobs.failures).toMatchObject([{ message: 'killed' }]);
    expect(done).toMatchObject({ state: 'complete', counts: { moved: 3 } });
    expect((await Promise.all(['acme', 'beta', 'gamma'].map(madeBy))).map((made) => made.length)).toEqual([1, 1, 1]);
    expect(await requeuePlanMoves(it.ports)).toBe(0);
  });

  test('tries a subscription that fails for no reason of its own again, and gives it up without holding up the others', async () => {
    const subscriptions: PlanMovePorts['subscriptions'] = {
      ...it.ports.subscriptions,
      update: async (update, ...rest) => {
        if (update.subscription === id('beta')) throw new Error('out of order');
        return it.ports.subscriptions.update(update, ...rest);
      },
    };
    const { move: done, steps } = await move({}, { ...it.ports, subscriptions });
    expect(done).toMatchObject({ state: 'complete', counts: { moved: 2, failed: 1 } });
    expect(steps.get('beta')).toMatchObject({ attempts: 3, reason: { code: 'plan_move.failed', message: 'out of order' } });
  });
});

test('a dry run changes nothing, and estimates what the invoices then come to', async () => {
  const dry = await move({ dryRun: true, when: 'renewal', customers: ['acme', 'beta'] });
  expect(dry.move).toMatchObject({ state: 'complete', counts: { moved: 2 } });
  // January and February at 31.00, and at 31.00 and 62.00
  const estimate = { before: '62.00', after: '93.00', difference: '31.00' };
  expect(dry.steps.get('acme')).toMatchObject({ state: 'moved', estimate, effectiveAtMs: Date.parse('2026-02-01T00:00:00Z') });
  expect(await madeBy('acme')).toEqual([]);
  await move({ when: 'renewal', customers: ['acme'] });
  it.clock.moveTo(Date.parse('2026-03-01T00:00:00Z'));
  const run = await requestInvoiceRun(it.ports, undefined, it.tenant);
  await executeInvoiceRun(it.ports, run);
  const documents = (await it.invoices()).map((invoice) => JSON.parse(invoice.document) as InvoiceDocument);
  const totals = (key: string) => documents.filter(({ customer }) => customer.key === key).map(({ total }) => total);
  expect([totals('acme'), totals('beta')]).toEqual([
    ['31.00', '62.00'],
    ['31.00', '31.00'],
  ]);
});
