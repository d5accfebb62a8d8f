import { catalogStores } from '@meterline/backends/postgres';
import type { Commitment } from '@meterline/domain/commitments';
import { charged, type InvoiceDocument, type InvoiceThresholds } from '@meterline/domain/invoices';
import { add, compare, decimal, formatMoney, ZERO } from '@meterline/domain/money';
import type { Modifiers, Price, RateCard } from '@meterline/domain/prices';
import { executeInvoiceRun, invoiceAccounting, startRunsAtThresholds } from '@meterline/pipeline/invoices';
import type { Database } from '@meterline/pipeline/ports';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openTestDatabase } from '../../../test/support/database.ts';
import { openRatingFixture, type RatingFixture } from '../../../test/support/rating.ts';

const START_MS = Date.parse('2026-01-01T00:00:00Z');
const END_MS = Date.parse('2027-01-01T00:00:00Z');
const HOUR_MS = 3_600_000;

let database: Database;
let it: RatingFixture;
let made = 0;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  it = await openRatingFixture(database, '2026-01-01T00:00:00Z');
  await it.meter('calls');
  await it.meter('minutes');
  await it.meter('peak', 'max');
});
afterEach(() => it.close());

const price = fc.constantFrom<Price>(
  { model: 'per_unit', unitAmount: '0.0137' },
  { model: 'graduated', tiers: [{ upTo: '400', unitAmount: '0.05', flatAmount: '3' }, { upTo: null, unitAmount: '0.0111' }] }, // prettier-ignore
  // The whole becomes cheaper: what was billed may be more than what is due.
  { model: 'volume', tiers: [{ upTo: '500', unitAmount: '0.04' }, { upTo: null, unitAmount: '0.015' }] }, // prettier-ignore
  { model: 'package', packageSize: '250', packageAmount: '7.77', freeUnits: '100' },
);
const modifiers = fc
  .record({
    allowance: fc.option(fc.constantFrom('200', '900').map((units) => ({ units, carryOver: { maximumUnits: '50' } })), { nil: undefined }), // prettier-ignore
    minimumSpend: fc.option(fc.constantFrom('5', '12.50'), { nil: undefined }),
    maximumSpend: fc.option(fc.constantFrom('15', '30.01'), { nil: undefined }),
    rounding: fc.option(
      fc.record({
        mode: fc.constantFrom('half_up', 'down', 'half_even' as const),
        scope: fc.constantFrom('line', 'charge', 'cumulative', 'invoice' as const),
      }),
      { nil: undefined },
    ),
  })
  .map((fields) => JSON.parse(JSON.stringify(fields)) as Modifiers);
const fee = fc.constantFrom<RateCard[]>(
  [],
  [{ key: 'fee', name: 'Fee', price: { model: 'flat', amount: '365.25', paymentTerm: 'advance' } }],
  [{ key: 'fee', name: 'Fee', price: { model: 'flat', amount: '365.25' } }],
  [
    {
      key: 'fee',
      name: 'Fee with overage',
      meter: 'minutes',
      price: { model: 'flat', amount: '100', paymentTerm: 'advance' },
      modifiers: { allowance: { units: '600', overagePrice: { model: 'per_unit', unitAmount: '0.03' } } },
    },
  ],
);
const use = fc.record({
  /** Of the year. */
  atHours: fc.nat(365 * 24 - 1),
  /** It becomes known so much later; below zero: it is withdrawn. */
  lateHours: fc.constantFrom(0, 0, 0, 5, 40 * 24),
  value: fc.integer({ min: -300, max: 500 }),
});
const thresholds = fc
  .record({
    steps: fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 3 }),
    thenEvery: fc.option(fc.constantFrom('2.50', '11'), { nil: undefined }),
  })
  .map(({ steps, thenEvery }): InvoiceThresholds => {
    return { steps: steps.toSorted((a, b) => a - b).map(String), ...(thenEvery && { thenEvery }) };
  });
/** Billed within the period by time, by amount or by both. */
const within = fc
  .record({
    usageEvery: fc.option(fc.constantFrom('month', 'quarter', 'half_year' as const), { nil: undefined, freq: 2 }),
    invoiceThresholds: fc.option(thresholds, { nil: null, freq: 4 }),
  })
  .filter(({ usageEvery, invoiceThresholds }) => usageEvery !== undefined || invoiceThresholds !== null);
const year = fc.record({
  cards: fc.tuple(price, modifiers, fee),
  peak: fc.boolean(),
  within,
  commitment: fc.constantFrom<Commitment | null>(
    null,
    null,
    { every: 'period', maximumSpend: '40' },
    { every: 'period', minimumSpend: '50', trueUp: 'period_end' },
    { every: 'period', minimumSpend: '50', trueUp: 'in_advance' },
  ),
  grants: fc.subarray(['pack', 'money'] as const),
  uses: fc.array(use, { minLength: 3, maxLength: 14, size: 'max' }),
  runs: fc.uniqueArray(fc.integer({ min: 0, max: 365 * 24 }), { maxLength: 7, size: 'max' }),
  newPriceAt: fc.option(fc.integer({ min: 1, max: 12 }), { nil: null }),
  /** Null: the subscription goes on. */
  endsHours: fc.option(fc.integer({ min: 1, max: 364 * 24 }), { nil: null, freq: 3 }),
});
/** Usage is withdrawn that was billed: one that is there whatever chance brings. */
const FALLING: Year = {
  cards: [{ model: 'per_unit', unitAmount: '0.0137' }, {}, []],
  ...{ peak: false, commitment: null, grants: [], newPriceAt: null, endsHours: null },
  within: { usageEvery: 'month', invoiceThresholds: { steps: ['2.00'] } },
  uses: [500, -300, 100].map((value, month) => ({ atHours: (month * 31 + 9) * 24, lateHours: 0, value })),
  runs: [32, 62, 100].map((days) => days * 24),
};
type Year = typeof year extends fc.Arbitrary<infer Value> ? Value : never;

const cardsOf = ({ cards: [unitPrice, modifiersOf, fees], peak }: Year): RateCard[] => [
  ...fees,
  { key: 'calls', name: 'Calls', meter: 'calls', price: unitPrice, modifiers: modifiersOf },
  ...(peak ? [{ key: 'peak', name: 'Peak', meter: 'peak', price: { model: 'per_unit', unitAmount: '0.333' } } satisfies RateCard] : []), // prettier-ignore
];

async function runAt(atMs: number): Promise<void> {
  made += 1;
  const draft = { id: `run_interim_${made}`, tenant: it.tenant, atMs, scheduled: false, targetCut: [0], createdAtMs: START_MS };
  await executeInvoiceRun(it.ports, await it.ports.invoices.insertRun(draft));
}

/** As a rating worker does that hears of the customer's usage, at that instant. */
async function lookAtThresholds(customer: string, nowMs: number): Promise<void> {
  const ports = { ...it.ports, clock: { nowMs: async () => nowMs } };
  await startRunsAtThresholds(ports, { subjects: [customer], customers: [] }, it.tenant);
  const { items } = await ports.invoices.unfinishedRuns({ after: null, limit: 100 });
  for (const run of items) await executeInvoiceRun(ports, run);
}

async function documentsOf(customer: string): Promise<InvoiceDocument[]> {
  const rows = await database.query<{ document: string }>(
    `select document from invoice where customer = $1 and tenant = $2 order by period_from, (kind = 'period'), part`,
    [customer, it.tenant],
  );
  return rows.map(({ document }) => JSON.parse(document) as InvoiceDocument);
}

function sumOf(amounts: readonly string[]): string {
  return formatMoney(
    amounts.reduce((sum, amount) => add(sum, decimal(amount)), ZERO),
    'USD',
  );
}

/** A subscription of a customer of its own, under such a plan. */
async function subscribe(
  each: Year,
  customer: string,
  { usageEvery, invoiceThresholds }: Partial<Year['within']>,
): Promise<string> {
  const billingPeriod = { every: 'year', anchor: 'calendar', ...(usageEvery && { usageEvery }) } as const;
  const plan = { key: customer, name: customer, currency: 'USD', billingPeriod, rateCards: cardsOf(each), unusedTime: 'refund', invoiceThresholds } as const; // prettier-ignore
  await catalogStores(database).plans.insert(plan, START_MS, it.tenant);
  await it.customer(customer, [customer]);
  if (each.grants.includes('pack')) await it.give(customer, { kind: 'units', key: `pack-${customer}`, name: 'Pack', meter: 'calls', amount: '333' }); // prettier-ignore
  if (each.grants.includes('money')) await it.give(customer, { kind: 'money', key: `money-${customer}`, name: 'Money', amount: '9.99' }); // prettier-ignore
  if (each.newPriceAt !== null) {
    const validFromMs = Date.UTC(2026, each.newPriceAt, 1) - 36 * HOUR_MS;
    const change = { rateCard: 'calls', validFrom: new Date(validFromMs).toISOString(), price: { model: 'per_unit', unitAmount: '0.02' } } as const; // prettier-ignore
    await it.priceChanges.add({ plan: customer, version: 1 }, change, it.tenant);
  }
  return it.subscribe(customer, customer, '2026-01-01T00:00:00Z', each.commitment);
}

test('a year that is billed in parts comes to the cent to what it comes to at once, whatever is used, withdrawn and known when', async () => {
  let [interims, heldBack, reached] = [0, 0, 0];
  await fc.assert(
    fc.asyncProperty(year, async (each) => {
      made += 1;
      const [parts, whole] = [`parts-${made}`, `whole-${made}`];
      const subscriptions = [await subscribe(each, parts, each.within), await subscribe(each, whole, {})];
      const endsAtMs = each.endsHours === null ? END_MS : START_MS + each.endsHours * HOUR_MS;
      const steps = [
        ...each.uses.map(({ atHours, lateHours, value }) => ({ value, atMs: START_MS + atHours * HOUR_MS, knownMs: START_MS + (atHours + lateHours) * HOUR_MS })), // prettier-ignore
        ...each.runs.map((hours) => ({ value: null, atMs: 0, knownMs: START_MS + hours * HOUR_MS })),
      ].toSorted((a, b) => a.knownMs - b.knownMs);
      for (const { value, atMs, knownMs } of steps) {
        if (knownMs >= endsAtMs) continue;
        if (value === null) await runAt(knownMs);
        else {
          for (const subject of [parts, whole]) {
            for (const meter of ['calls', 'minutes', 'peak'])
              it.usage.events.push({ meter, subject, atMs, value: String(value), dims: {} });
          }
          await lookAtThresholds(parts, knownMs);
        }
      }
      if (each.endsHours !== null)
        await database.query('update subscription set ends_at = $1 where id = any($2::text[])', [new Date(endsAtMs), subscriptions]); // prettier-ignore
      await runAt(Math.min(END_MS, endsAtMs + 24 * HOUR_MS));

      const [inParts, atOnce] = [await documentsOf(parts), await documentsOf(whole)];
      const own = inParts.filter(({ kind }) => kind === 'interim');
      for (const document of own) {
        expect(compare(decimal(document.total), ZERO)).toBeGreaterThanOrEqual(0);
        heldBack += document.interim?.heldBack.length ?? 0;
      }
      interims += own.length;
      const levels = own.flatMap(({ interim }) => (interim?.threshold === undefined ? [] : Number(interim.threshold)));
      expect(levels).toEqual([...new Set(levels)].toSorted((a, b) => a - b));
      reached += levels.length;
      expect(sumOf(inParts.map(charged))).toBe(sumOf(atOnce.map(charged)));
      // Nobody pays money for what a credit could have paid in the end.
      expect(sumOf(inParts.map(({ total }) => total))).toBe(sumOf(atOnce.map(({ total }) => total)));
    }),
    { numRuns: 30, examples: [[FALLING]] },
  );
  expect(interims).toBeGreaterThan(20);
  expect(heldBack).toBeGreaterThan(0);
  expect(reached).toBeGreaterThan(10);
  const all = await it.ports.invoices.allInvoices({ after: null, limit: 100_000 });
  const items = all.items.filter(({ tenant }) => tenant === it.tenant);
  const allInvoices = async () => ({ items, nextAfter: null });
  const { differing } = await invoiceAccounting({ ...it.ports, invoices: { ...it.ports.invoices, allInvoices } });
  expect(differing).toEqual([]);
  expect(await it.prepaidFaults()).toEqual([]);
}, 120_000);
