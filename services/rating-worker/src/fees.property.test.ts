import { catalogStores } from '@meterline/backends/postgres';
import type { InvoiceDocument } from '@meterline/domain/invoices';
import { add, compare, decimal, formatMoney, ZERO } from '@meterline/domain/money';
import type { RateCard } from '@meterline/domain/prices';
import { billingPeriods } from '@meterline/domain/subscriptions';
import { startOfLocalDay } from '@meterline/domain/time';
import { executeInvoiceRun, invoiceAccounting } from '@meterline/pipeline/invoices';
import type { Database } from '@meterline/pipeline/ports';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openTestDatabase } from '../../../test/support/database.ts';
import { openRatingFixture, type RatingFixture } from '../../../test/support/rating.ts';

const START_MS = Date.parse('2026-01-01T00:00:00Z');
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
});
afterEach(() => it.close());

const life = fc.record({
  startsHours: fc.integer({ min: 0, max: 24 * 90 }),
  lastsHours: fc.integer({ min: 0, max: 24 * 75 }),
  every: fc.constantFrom('week', 'month', 'quarter' as const),
  anchor: fc.constantFrom('calendar', 'anniversary' as const),
  proration: fc.constantFrom('day', 'second', 'none' as const),
  // With changes of the clocks within these months, and days that begin elsewhere.
  timezone: fc.constantFrom('UTC', 'America/New_York', 'Europe/Berlin', 'Asia/Kolkata', 'Pacific/Apia', 'Asia/Beirut'),
  unusedTime: fc.constantFrom('credit', 'refund' as const),
  amount: fc.integer({ min: 1, max: 2_000_000 }).map((thousandths) => (thousandths / 1000).toFixed(3)),
  setup: fc.option(fc.constantFrom('49.99', '0.01'), { nil: null }),
  calls: fc.integer({ min: 0, max: 5000 }),
  // Whether the run at the beginning of a period is missed, period by period.
  missed: fc.array(fc.boolean(), { maxLength: 3 }),
});

const cardsOf = ({ amount, setup }: { amount: string; setup: string | null }, paymentTerm: 'advance' | 'arrears'): RateCard[] => [
  { key: 'base', name: 'Base', price: { model: 'flat', amount, paymentTerm } },
  ...(setup === null
    ? []
    : [
        {
          key: 'setup',
          name: 'Setup',
          price: { model: 'flat', amount: setup, paymentTerm, interval: 'once' },
        } satisfies RateCard,
      ]),
  { key: 'calls', name: 'Calls', meter: 'calls', price: { model: 'per_unit', unitAmount: '0.003' } },
];

async function runAt(atMs: number): Promise<void> {
  made += 1;
  const id = `run_fees_${made}`;
  const draft = { id, tenant: it.tenant, atMs, scheduled: false, targetCut: [0], createdAtMs: START_MS };
  await executeInvoiceRun(it.ports, await it.ports.invoices.insertRun(draft));
}

async function documentsOf(customer: string): Promise<InvoiceDocument[]> {
  const rows = await database.query<{ document: string }>('select document from invoice where customer = $1 and tenant = $2', [
    customer,
    it.tenant,
  ]);
  return rows.map(({ document }) => JSON.parse(document) as InvoiceDocument);
}

/** What documents charge and give back, however it is paid. */
function charged(documents: readonly InvoiceDocument[]): string {
  const sum = documents.reduce(
    (all, { total, prepaid }) => add(add(all, decimal(total)), decimal(prepaid?.credited ?? '0')),
    ZERO,
  );
  return formatMoney(sum, 'USD');
}

/** Every document of the tenant comes out the same when it is rated again. */
async function expectVerified(): Promise<void> {
  const all = await it.ports.invoices.allInvoices({ after: null, limit: 100_000 });
  const own = all.items.filter(({ tenant }) => tenant === it.tenant);
  const allInvoices = async () => ({ items: own, nextAfter: null });
  const { differing } = await invoiceAccounting({ ...it.ports, invoices: { ...it.ports.invoices, allInvoices } });
  expect(differing).toEqual([]);
  expect(await it.prepaidFaults()).toEqual([]);
}

test('fees in advance, less what credit notes give back, come with the rest to what billing in arrears comes to, to the cent', async () => {
  let notes = 0;
  await fc.assert(
    fc.asyncProperty(life, async (each) => {
      made += 1;
      const own = made;
      const { every, anchor, proration, timezone, unusedTime, calls, missed } = each;
      const startsAtMs = START_MS + each.startsHours * HOUR_MS;
      const endsAtMs = startsAtMs + each.lastsHours * HOUR_MS;
      const cadence = { every, anchor, proration };
      const subscriptions: string[] = [];
      for (const term of ['advance', 'arrears'] as const) {
        const key = `${term}-${own}`;
        const plan = { key, name: key, currency: 'USD', billingPeriod: cadence, rateCards: cardsOf(each, term), unusedTime };
        await catalogStores(database).plans.insert(plan, START_MS, it.tenant);
        await it.customer(key, [key], timezone);
        subscriptions.push(await it.subscribe(key, key, new Date(startsAtMs).toISOString()));
        await it.use('calls', key, new Date(startsAtMs).toISOString(), String(calls));
      }
      const span = { startsAtMs, endsAtMs: null, timezone };
      const begun = billingPeriods(cadence, span, { untilMs: endsAtMs + 1 });
      for (const [index, { fromMs }] of begun.entries()) {
        if (missed[index] !== true) await runAt(Math.max(fromMs, startsAtMs));
      }
      await database.query('update subscription set ends_at = $1 where id = any($2::text[])', [
        new Date(endsAtMs),
        subscriptions,
      ]);
      await runAt(endsAtMs);
      await runAt(startOfLocalDay(endsAtMs + 48 * HOUR_MS, timezone));

      const inAdvance = await documentsOf(`advance-${own}`);
      const inArrears = await documentsOf(`arrears-${own}`);
      expect(charged(inAdvance)).toBe(charged(inArrears));
      for (const { creditNote } of inAdvance) {
        const fee = inAdvance.find(({ number }) => number === creditNote?.invoice);
        if (creditNote === undefined || fee === undefined) continue;
        notes += 1;
        expect(compare(decimal(creditNote.amount), decimal(fee.total))).toBeLessThanOrEqual(0);
      }
    }),
    { numRuns: 60 },
  );
  expect(notes).toBeGreaterThan(5);
  await expectVerified();
}, 120_000);
