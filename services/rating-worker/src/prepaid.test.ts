import type { InvoiceDocument } from '@meterline/domain/invoices';
import type { RateCard } from '@meterline/domain/prices';
import { evaluateWakeups } from '@meterline/pipeline/alerts';
import { executeInvoiceRun, requestInvoiceRun, verifyInvoice } from '@meterline/pipeline/invoices';
import type { Database } from '@meterline/pipeline/ports';
import { spendOf } from '@meterline/pipeline/spend';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openTestDatabase } from '../../../test/support/database.ts';
import { openRatingFixture, type RatingFixture } from '../../../test/support/rating.ts';

let database: Database;
let it: RatingFixture;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  it = await openRatingFixture(database, '2026-02-20T00:00:00Z');
  await it.meter('seconds', 'sum', { quality: '$.quality' });
  await it.customer('acme', ['a']);
});
afterEach(() => it.close());

const MINUTES = { operation: 'divide', factor: '60', rounding: 'half_up' } as const;

const card = (more: Partial<RateCard> = {}): RateCard => ({
  ...{ key: 'seconds', name: 'Seconds', meter: 'seconds', price: { model: 'per_unit', unitAmount: '0.01' } },
  ...more,
});
const pack = (key: string, amount: string, more = {}) => ({
  kind: 'units' as const,
  key,
  name: key,
  meter: 'seconds',
  amount,
  ...more,
});
const credit = (key: string, amount: string, more = {}) => ({ kind: 'money' as const, key, name: key, amount, ...more });

async function subscribe(cards: readonly RateCard[], startsAt = '2026-02-01T00:00:00Z'): Promise<void> {
  await it.plan('pro', cards);
  await it.subscribe('acme', 'pro', startsAt);
}

/** Invoices what ended by then; answers all invoices so far, each proven, with a ledger that adds up. */
async function invoicesAt(now: string): Promise<InvoiceDocument[]> {
  it.clock.moveTo(Date.parse(now));
  await executeInvoiceRun(it.ports, await requestInvoiceRun(it.ports, undefined, it.tenant));
  expect(await it.prepaidFaults()).toEqual([]);
  const stored = await it.invoices();
  for (const { document } of stored) expect((await verifyInvoice(it.ports, document)).differences).toEqual([]);
  return stored.map(({ document }) => JSON.parse(document) as InvoiceDocument);
}

const spend = () => spendOf(it.ports, 'acme', it.clock.nowMs(), it.tenant);

describe('packs', () => {
  test('cover usage before tiers are counted, and only what the plan does not include', async () => {
    const tiers = [
      { upTo: '100', unitAmount: '0.10', flatAmount: '0' },
      { upTo: null, unitAmount: '0.01', flatAmount: '0' },
    ];
    await subscribe([card({ price: { model: 'graduated', tiers }, modifiers: { freeUnits: '50' } })]);
    await it.give('acme', pack('pack', '200'));
    await it.use('seconds', 'a', '2026-02-10T00:00:00Z', '400');
    const [invoice] = await invoicesAt('2026-03-01T00:00:00Z');
    // 400 - 200 covered = 200, 50 of them free: 100 * 0.10 + 50 * 0.01 = 10.50
    expect(invoice).toMatchObject({ lines: [{ quantity: '400', covered: '200', amount: '10.50' }], total: '10.50' });
    expect(invoice?.lines[0]?.explanation[0]).toMatchObject({
      kind: 'included',
      description: 'Covered by prepaid pack',
      quantity: '200',
    });
    expect(await it.ledger('acme')).toEqual(['pack grant 200 -> 200', 'pack burn -200 -> 0']);
  });

  test('are not touched by what the plan includes', async () => {
    await subscribe([card({ modifiers: { allowance: { units: '300' } } })]);
    await it.give('acme', pack('pack', '200'));
    await it.use('seconds', 'a', '2026-02-10T00:00:00Z', '320');
    expect(await invoicesAt('2026-03-01T00:00:00Z')).toMatchObject([{ total: '0.00', lines: [{ covered: '20' }] }]);
  });

  test('in minutes cover seconds, the total of the period rounded; what lacks is priced', async () => {
    await subscribe([card()]);
    await it.give('acme', pack('pack', '2', { unitConversion: MINUTES }));
    for (const [day, seconds] of [['03', '30'], ['04', '20'], ['05', '110']] as const) await it.use('seconds', 'a', `2026-02-${day}T00:00:00Z`, seconds); // prettier-ignore
    const [invoice] = await invoicesAt('2026-03-01T00:00:00Z');
    // 160 s would be 3 minutes; 2 minutes are 120 s, and 40 s are priced
    expect(invoice).toMatchObject({ prepaid: { units: [{ quantity: '120', units: '2' }] }, total: '0.40' });
  });

  test('for one quality leave the others to be priced, and cards share what there is', async () => {
    await subscribe([
      card({ key: 'hd', filter: { quality: 'hd' } }),
      card({ key: 'all', price: { model: 'per_unit', unitAmount: '0.001' } }),
    ]);
    await it.give('acme', pack('hd-pack', '150', { filter: { quality: 'hd' } }));
    await it.use('seconds', 'a', '2026-02-10T00:00:00Z', '100', { quality: 'hd' });
    await it.use('seconds', 'a', '2026-02-10T00:00:00Z', '1000', { quality: 'sd' });
    const [invoice] = await invoicesAt('2026-03-01T00:00:00Z');
    // 100 of the first card, then 50 of the second: (1,100 - 50) * 0.001
    expect(invoice?.lines).toMatchObject([
      { key: 'hd', covered: '100', amount: '0.00' },
      { key: 'all', covered: '50', amount: '1.05' },
    ]);
  });

  test('of periods without an invoice yet count in live spend before the current one', async () => {
    await subscribe([card()], '2026-01-01T00:00:00Z');
    await it.give('acme', pack('pack', '100'));
    await it.use('seconds', 'a', '2026-01-10T00:00:00Z', '70');
    await it.use('seconds', 'a', '2026-02-10T00:00:00Z', '50');
    const { total, prepaid } = await spend();
    expect([total, prepaid?.units]).toMatchObject(['0.20', [{ quantity: '30' }]]); // 100 - 70 = 30 of February's 50
    const [january, february] = await invoicesAt('2026-03-01T00:00:00Z');
    expect([january?.total, february?.total]).toEqual(['0.00', '0.20']);
  });
});

describe('credits', () => {
  test('pay lines in burn order behind everything else, each line rounded first', async () => {
    const base = { key: 'base', name: 'Base', price: { model: 'flat', amount: '10.00' } } as const;
    await subscribe([base, card({ modifiers: { minimumSpend: '5.00' } })]);
    await it.give('acme', credit('gift', '4.00', { priority: 2 }));
    await it.give('acme', credit('bought', '8.00', { priority: 1, cost: '8.00' }));
    await it.use('seconds', 'a', '2026-02-10T00:00:00Z', '100');
    const [invoice] = await invoicesAt('2026-03-01T00:00:00Z');
    // 10.00 + 5.00 (1.00 raised to the minimum) - 8.00 - 4.00
    expect(invoice?.total).toBe('3.00');
    expect(invoice?.prepaid?.credits.map(({ name, line, amount }) => [name, line, amount])).toEqual([
      ['bought', 'base', '8.00'],
      ['gift', 'base', '2.00'],
      ['gift', 'seconds', '2.00'],
    ]);
  });

  test('come back to the grant they came from when usage is withdrawn, and pay for what comes late', async () => {
    await subscribe([card()], '2026-01-01T00:00:00Z');
    await it.give('acme', credit('c', '10.00', { expiresAt: '2026-02-01T00:00:00Z' }));
    await it.use('seconds', 'a', '2026-01-10T00:00:00Z', '600');
    const [january] = await invoicesAt('2026-02-20T01:00:00Z');
    expect(january).toMatchObject({ total: '0.00', prepaid: { credited: '6.00' } });
    expect((await it.ledger('acme')).at(-1)).toBe('c expire -4 -> 0');

    await it.use('seconds', 'a', '2026-01-20T00:00:00Z', '-200'); // 4.00 instead of 6.00
    const [, february] = await invoicesAt('2026-03-01T00:00:00Z');
    expect(february).toMatchObject({ total: '0.00', adjustments: [{ amount: '-2.00' }], prepaid: { credited: '-2.00' } });
    expect((await it.ledger('acme')).slice(-2)).toEqual(['c refund 2 -> 2 for INV-000001', 'c expire -2 -> 0']);

    await it.use('seconds', 'a', '2026-01-20T00:00:00Z', '700'); // 11.00: the 10.00 pay for all but 1.00
    const [, , march] = await invoicesAt('2026-04-01T00:00:00Z');
    expect(march).toMatchObject({ total: '1.00', adjustments: [{ amount: '7.00' }], prepaid: { credited: '6.00' } });
    expect((await it.ledger('acme')).slice(-2)).toEqual(['c expire 6 -> 6 for INV-000001', 'c burn -6 -> 0 for INV-000001']);
  });

  test('never pay for usage from before they began or after they ended', async () => {
    await subscribe([card()]);
    await it.give('acme', credit('c', '50.00', { effectiveAt: '2026-02-10T00:00:00Z', expiresAt: '2026-02-20T00:00:00Z' }));
    for (const day of ['05', '15', '25']) await it.use('seconds', 'a', `2026-02-${day}T00:00:00Z`, '100');
    expect(await invoicesAt('2026-03-01T00:00:00Z')).toMatchObject([{ total: '2.00', prepaid: { credited: '1.00' } }]);
  });

  test('do not keep an alert from firing, while packs do: it watches what is charged, however that is paid', async () => {
    await subscribe([card()]);
    await it.give('acme', credit('c', '50.00'));
    await it.give('acme', pack('pack', '100'));
    await it.rules.insert(
      { key: 'r', customer: 'acme', plan: null, budget: null, thresholds: ['1.00'] },
      it.clock.nowMs(),
      it.tenant,
    );
    await it.use('seconds', 'a', '2026-02-10T00:00:00Z', '199');
    await evaluateWakeups(it.ports, it.tenant, await it.waiting());
    expect(await it.occurrences()).toEqual([]); // 99 * 0.01 = 0.99
    await it.use('seconds', 'a', '2026-02-11T00:00:00Z', '1');
    await evaluateWakeups(it.ports, it.tenant, await it.waiting());
    expect(await it.occurrences()).toEqual(['acme 1.00 at 1.00 in 2026-02-01']);
    expect((await spend()).prepaid).toMatchObject({ credited: '1.00', due: '0.00' });
  });
});

test('a customer that never had a grant has invoices as before, without a word of grants', async () => {
  await subscribe([card()]);
  await it.use('seconds', 'a', '2026-02-10T00:00:00Z', '100');
  const [invoice] = await invoicesAt('2026-03-01T00:00:00Z');
  expect(Object.keys(invoice ?? {})).not.toContain('prepaid');
  expect(Object.keys(invoice?.lines[0] ?? {})).not.toContain('covered');
});

describe('verification', () => {
  test('names a coverage or a credit that does not follow from the ledger', async () => {
    await subscribe([card()]);
    await it.give('acme', pack('pack', '40'));
    await it.give('acme', credit('c', '0.50'));
    await it.use('seconds', 'a', '2026-02-10T00:00:00Z', '100');
    const [invoice] = await invoicesAt('2026-03-01T00:00:00Z');
    expect(invoice?.total).toBe('0.10'); // 60 * 0.01 - 0.50
    const forged = JSON.stringify(invoice).replaceAll('"0.50"', '"0.60"').replace('"total":"0.10"', '"total":"0.00"');
    const { differences } = await verifyInvoice(it.ports, forged);
    expect(differences).toEqual([expect.stringContaining('prepaid credits: issued [{')]);
    const covered = JSON.stringify(invoice).replaceAll('"40"', '"41"');
    expect((await verifyInvoice(it.ports, covered)).differences).toEqual([
      expect.stringContaining('lines: issued'),
      expect.stringContaining('prepaid units: issued'),
    ]);
  });

  test('of the ledger finds an invoice that says otherwise', async () => {
    await subscribe([card()]);
    const id = await it.give('acme', pack('pack', '40'));
    await it.use('seconds', 'a', '2026-02-10T00:00:00Z', '100');
    const [invoice] = await invoicesAt('2026-03-01T00:00:00Z');
    await database.query('alter table invoice disable trigger all');
    await database.query(`update invoice set document = replace(document, '"units":"40"', '"units":"39"') where tenant = $1`, [
      it.tenant,
    ]);
    await database.query('alter table invoice enable trigger all');
    expect(await it.prepaidFaults()).toEqual([`${invoice?.id ?? ''}, seconds: took 39 of ${id}, the ledger says 40`]);
  });
});
