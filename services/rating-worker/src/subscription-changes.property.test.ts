import { catalogStores } from '@meterline/backends/postgres';
import { Fault } from '@meterline/domain/faults';
import { type InvoiceDocument, totalOf } from '@meterline/domain/invoices';
import { executeInvoiceRun, requestInvoiceRun } from '@meterline/pipeline/invoices';
import type { Database, PlanDraft } from '@meterline/pipeline/ports';
import type { ChangeRequest } from '@meterline/pipeline/subscription-changes';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase } from '../../../test/support/database.ts';
import { openRatingFixture, type RatingFixture } from '../../../test/support/rating.ts';
import { changeNow, previewNow } from '../../../test/support/subscription-changes.ts';

const DAY_MS = 86_400_000;
const START_MS = Date.parse('2026-01-05T00:00:00Z');
const KEYS = ['one', 'two', 'three'] as const;

/** 10,000 in the long form: `CHANGE_CASES=10000 npx vitest run <this file>`. Each has up to five changes. */
const numRuns = Number(process.env['CHANGE_CASES'] ?? 60);

let database: Database;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

const cents = (max: number) =>
  fc.integer({ min: 1, max }).map((minor) => `${Math.floor(minor / 100)}.${String(minor % 100).padStart(2, '0')}`);
const planTerms = fc.record({
  fee: cents(10_000),
  unit: fc.constantFrom('0', '0.003', '0.1'),
  included: fc.option(fc.constantFrom('10', '100')),
  minimum: fc.option(cents(3_000)),
  fees: fc.option(cents(500)),
  whole: fc.boolean(),
  once: fc.boolean(),
  proration: fc.constantFrom('day' as const, 'second' as const, 'none' as const),
  anchor: fc.constantFrom('calendar' as const, 'anniversary' as const),
  every: fc.constantFrom('month' as const, 'month' as const, 'week' as const),
});
type PlanTerms = typeof planTerms extends fc.Arbitrary<infer T> ? T : never;

const when = fc.oneof(
  { weight: 12, arbitrary: fc.constant({ at: 'now' as const }) },
  { weight: 1, arbitrary: fc.constant({ at: 'period_end' as const }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 40 }).map((days) => ({ days })) },
);
const step = fc.record({
  afterDays: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 25 })),
  used: fc.integer({ min: 0, max: 150 }),
  when,
  lasts: fc.option(fc.integer({ min: 1, max: 30 })),
  billed: fc.constant(true),
  change: fc.oneof(
    // Back and forth within a day, among others.
    {
      weight: 12,
      arbitrary: fc.record({ kind: fc.constant('plan' as const), plan: fc.constantFrom('one' as const, 'two' as const) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('quantity' as const),
        quantities: fc.constantFrom({ base: '0' }, { base: '2' }, { base: '5' }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('pause' as const, 'resume' as const, 'cancel' as const, 'resubscribe' as const) }) }, // prettier-ignore
  ),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function requestOf({ change, when: at, lasts }: Step, nowMs: number): ChangeRequest {
  const instant = (days: number) => new Date(nowMs + days * DAY_MS).toISOString();
  const timing = 'at' in at ? at : { at: instant(at.days) };
  const isLasting = change.kind === 'plan' || change.kind === 'quantity' || change.kind === 'pause';
  return { ...change, ...timing, ...(isLasting && lasts !== null && { until: instant(60 + lasts) }) };
}

function draft(key: string, terms: PlanTerms): PlanDraft {
  const { fee, unit, included, minimum, fees, whole, once, every, anchor, proration } = terms;
  return {
    key,
    name: key,
    currency: 'USD',
    billingPeriod: { every, anchor, proration },
    rateCards: [
      { key: 'base', name: 'Base', price: { model: 'flat', amount: fee } },
      ...(once ? [{ key: 'setup', name: 'Setup', price: { model: 'flat', amount: '9.99', interval: 'once' } } as const] : []),
      {
        key: 'calls',
        name: 'Calls',
        meter: 'calls',
        price: { model: 'per_unit', unitAmount: unit },
        ...(included !== null && { modifiers: { allowance: { units: included } } }),
      },
    ],
    commitment: minimum === null ? null : { minimumSpend: minimum, every: 'period' },
    changeRules: { ...(fees !== null && { changeFee: fees }), upgrade: whole ? 'full_price' : 'prorated' },
  };
}

async function subscribed(plans: readonly PlanTerms[]) {
  const it = await openRatingFixture(database, new Date(START_MS).toISOString());
  await it.meter('calls');
  for (const [index, terms] of plans.entries())
    await catalogStores(database).plans.insert(draft(KEYS[index] ?? '', terms), START_MS, it.tenant);
  await it.customer('acme', ['a']);
  return { it, subscription: await it.subscribe('acme', 'one', '2026-01-05T00:00:00Z') };
}

async function bill(it: RatingFixture): Promise<void> {
  const run = await requestInvoiceRun(it.ports, undefined, it.tenant);
  await it.jobs.idle();
  await executeInvoiceRun(it.ports, run);
}

const documents = async (it: RatingFixture) =>
  (await it.invoices())
    .map(({ document }) => JSON.parse(document) as InvoiceDocument)
    .toSorted((a, b) => a.period.from.localeCompare(b.period.from));

/** The total, or the code of the refusal. */
async function outcomeOf<T>(work: Promise<T>): Promise<T | string> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
}

const told = ({ period, plan, total }: InvoiceDocument) => `${period.from} ${period.to} ${plan} ${total}`;

test('any changes: each day is billed once by its plan, in one go as month by month, and what a preview shows is what is charged', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(planTerms, planTerms, planTerms),
      fc.array(step, { minLength: 1, maxLength: 5, size: 'max' }),
      async (plans, steps) => {
        const monthly = await subscribed(plans);
        const atOnce = await subscribed(plans);
        const moveTo = async (toMs: number) => {
          for (const { it } of [monthly, atOnce]) {
            // As a scheduler would, sometimes twice within a period.
            while (it === monthly.it && it.clock.nowMs() + 11 * DAY_MS < toMs) {
              it.clock.moveTo(it.clock.nowMs() + 11 * DAY_MS);
              await bill(it);
            }
            // It ticks: nothing may have been left to wait for.
            it.clock.moveTo(Math.max(toMs, it.clock.nowMs() + 1000));
          }
        };
        let atMs = START_MS;
        for (const [index, one] of steps.entries()) {
          atMs += one.afterDays * DAY_MS + 3_600_000;
          await moveTo(atMs);
          const request = requestOf(one, atMs);
          for (const { it } of [monthly, atOnce])
            if (one.used > 0) await it.use('calls', 'a', new Date(atMs - 60_000).toISOString(), String(one.used));
          const preview = await outcomeOf(previewNow(atOnce.it, atOnce.subscription, request));
          const made = await outcomeOf(
            changeNow(atOnce.it, atOnce.subscription, typeof preview === 'string' ? request : { token: preview.token }),
          );
          const other = await outcomeOf(changeNow(monthly.it, monthly.subscription, request));
          // The next change may come on the day up to which everything is invoiced now.
          if (one.billed) await bill(monthly.it);
          expect(typeof made === 'string' ? made : 'made').toBe(typeof preview === 'string' ? preview : 'made');
          expect(typeof other === 'string' ? other : 'made').toBe(typeof made === 'string' ? made : 'made');
          if (index === steps.length - 1 && typeof preview !== 'string') {
            const shown = [...preview.now, ...preview.next];
            atMs = Math.max(atMs, ...shown.map(({ period }) => Date.parse(period.to)));
            await moveTo(atMs);
            await bill(atOnce.it);
            const charged = (await documents(atOnce.it)).slice(0, shown.length);
            expect(charged.map(told)).toEqual(shown.map(told));
            expect(
              totalOf(
                charged.map(({ total }) => ({ amount: total })),
                'USD',
              ),
            ).toBe(
              totalOf(
                shown.map(({ total }) => ({ amount: total })),
                'USD',
              ),
            );
          }
        }
        await moveTo(atMs + 100 * DAY_MS);
        for (const { it } of [monthly, atOnce]) await bill(it);
        const [inParts, inOneGo] = [await documents(monthly.it), await documents(atOnce.it)];
        expect(inParts.map(told)).toEqual(inOneGo.map(told));

        const record = await catalogStores(database).subscriptions.byId(atOnce.subscription, atOnce.it.tenant);
        const lastDay = record?.endsAtMs == null ? Infinity : Math.floor(record.endsAtMs / DAY_MS) * DAY_MS;
        const billedThrough = Math.max(START_MS, ...inOneGo.map(({ period }) => Date.parse(period.to)));
        for (let day = START_MS; day < billedThrough; day += DAY_MS) {
          const covering = inOneGo.filter(({ period }) => Date.parse(period.from) <= day && day < Date.parse(period.to));
          const stage = record?.stages.find(({ fromMs, untilMs }) => fromMs <= day && day < (untilMs ?? Infinity));
          const isBilled = stage !== undefined && !stage.paused && day <= lastDay;
          expect(covering.map(({ plan }) => plan)).toEqual(isBilled ? [stage.plan] : []);
        }
      },
    ),
    { numRuns },
  );
}, 36_000_000);
