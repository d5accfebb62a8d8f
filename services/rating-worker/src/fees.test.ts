import type { InvoiceDocument } from '@meterline/domain/invoices';
import type { RateCard } from '@meterline/domain/prices';
import { executeInvoiceRun, requestInvoiceRun } from '@meterline/pipeline/invoices';
import type { Database } from '@meterline/pipeline/ports';
import { spendOf } from '@meterline/pipeline/spend';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openTestDatabase } from '../../../test/support/database.ts';
import { expectVerified } from '../../../test/support/rated-again.ts';
import { openRatingFixture, type RatingFixture } from '../../../test/support/rating.ts';

const BASE: RateCard = { key: 'base', name: 'Base fee', price: { model: 'flat', amount: '31.00', paymentTerm: 'advance' } };
const CALLS: RateCard = { key: 'calls', name: 'Calls', meter: 'calls', price: { model: 'per_unit', unitAmount: '0.01' } };
const SETUP: RateCard = {
  key: 'setup',
  name: 'Setup',
  price: { model: 'flat', amount: '50.00', paymentTerm: 'advance', interval: 'once' },
};

let database: Database;
let it: RatingFixture;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  it = await openRatingFixture(database, '2025-12-31T12:00:00Z');
  await it.meter('calls');
  await it.customer('acme', ['a']);
});
afterEach(() => it.close());

const use = (day: string, calls: number) => it.use('calls', 'a', `${day}T12:00:00Z`, String(calls));

/** Moves the clock there and bills what is due; answers all documents so far, in the order in which they were issued. */
async function billAt(instant: string): Promise<InvoiceDocument[]> {
  it.clock.moveTo(Date.parse(instant.includes('T') ? instant : `${instant}T00:00:00Z`));
  const run = await requestInvoiceRun(it.ports, undefined, it.tenant);
  await it.jobs.idle();
  await executeInvoiceRun(it.ports, run);
  return documents();
}

async function documents(): Promise<InvoiceDocument[]> {
  const rows = await database.query<{ document: string }>(
    'select document from invoice where tenant = $1 order by issued_at, number',
    [it.tenant],
  );
  return rows.map(({ document }) => JSON.parse(document) as InvoiceDocument);
}

const told = (all: readonly InvoiceDocument[]) => all.map(({ number, kind = 'period', total }) => `${number} ${kind} ${total}`);

async function end(subscription: string, at: string): Promise<void> {
  await database.query('update subscription set ends_at = $1 where id = $2', [new Date(at), subscription]);
}

describe('fees that are due in advance', () => {
  test('are invoiced when their period begins, once, and deducted from the invoice of the period', async () => {
    await it.plan('pro', [SETUP, BASE, CALLS]);
    await it.subscribe('acme', 'pro', '2026-01-17T08:00:00Z');
    // January: 31.00 * 15 / 31 = 15.00, and the setup whole
    const [fee] = await billAt('2026-01-17T08:00:00Z');
    expect(fee).toMatchObject({ number: 'INV-000001', kind: 'fee', total: '65.00', cut: [0] });
    expect(fee?.lines.map(({ key, amount }) => [key, amount])).toEqual([
      ['setup', '50.00'],
      ['base', '15.00'],
    ]);
    expect(told(await billAt('2026-01-18'))).toHaveLength(1);

    await use('2026-01-20', 1000); // 10.00
    const all = await billAt('2026-02-01');
    expect(told(all)).toEqual(['INV-000001 fee 65.00', 'INV-000002 fee 31.00', 'INV-000003 period 10.00']);
    expect(all[2]?.lines.map(({ key, amount }) => [key, amount])).toEqual([
      ['setup', '50.00'],
      ['base', '15.00'],
      ['calls', '10.00'],
    ]);
    expect(all[2]?.billedInAdvance).toEqual([
      { invoice: 'INV-000001', key: 'setup', name: 'Setup', amount: '50.00' },
      { invoice: 'INV-000001', key: 'base', name: 'Base fee', amount: '15.00' },
    ]);

    await use('2026-01-30', 500); // late: 5.00 on the next
    expect(told(await billAt('2026-03-01')).slice(3)).toEqual(['INV-000004 fee 31.00', 'INV-000005 period 5.00']);
    await expectVerified(it);
  });

  test('are on the invoice of their period where no run came in time', async () => {
    await it.plan('pro', [BASE, CALLS]);
    await it.subscribe('acme', 'pro', '2026-01-01T00:00:00Z');
    expect(told(await billAt('2026-02-01'))).toEqual(['INV-000001 fee 31.00', 'INV-000002 period 31.00']);
    await expectVerified(it);
  });

  test('count as spend of their period, and say what of it is invoiced', async () => {
    await it.plan('pro', [BASE, CALLS]);
    await it.subscribe('acme', 'pro', '2026-01-01T00:00:00Z');
    await billAt('2026-01-01');
    await use('2026-01-10', 1000);
    const spend = await spendOf(it.ports, 'acme', Date.parse('2026-01-11T00:00:00Z'), it.tenant);
    expect(spend).toMatchObject({
      total: '41.00',
      subscriptions: [{ billedInAdvance: [{ invoice: 'INV-000001', key: 'base', amount: '31.00' }] }],
    });
  });

  test('take a corrected price with the invoice of their period', async () => {
    await it.plan('pro', [BASE]);
    await it.subscribe('acme', 'pro', '2026-01-01T00:00:00Z');
    await billAt('2026-01-01');
    const price = { model: 'flat', amount: '62.00', paymentTerm: 'advance' } as const;
    const corrected = { rateCard: 'base', price, validFrom: '2026-01-17T00:00:00Z' };
    await it.priceChanges.add({ plan: 'pro', version: 1 }, corrected, it.tenant);
    // 16 days at 31.00 and 15 at 62.00: 16.00 + 30.00 = 46.00, less 31.00
    expect(told(await billAt('2026-02-01'))).toEqual(['INV-000001 fee 31.00', 'INV-000002 fee 62.00', 'INV-000003 period 15.00']);
    await expectVerified(it);
  });

  test('count towards a minimum, and draw on one that is paid in advance at once', async () => {
    await it.plan('pro', [BASE, CALLS]);
    await it.subscribe('acme', 'pro', '2026-01-01T00:00:00Z', { minimumSpend: '100.00', every: 'period', trueUp: 'in_advance' });
    await billAt('2026-01-01');
    await use('2026-01-10', 10_000); // 100.00 + 31.00, of which 100.00 were paid
    const all = await billAt('2026-02-01');
    expect(told(all)).toEqual([
      'INV-000001 advance 100.00',
      'INV-000002 fee 0.00',
      'INV-000003 advance 100.00',
      'INV-000004 fee 0.00',
      'INV-000005 period 31.00',
    ]);
    await expectVerified(it);
  });

  test('count once towards a minimum that is settled when the period ends', async () => {
    await it.plan('pro', [BASE, CALLS]);
    await it.subscribe('acme', 'pro', '2026-01-01T00:00:00Z', { minimumSpend: '100.00', every: 'year' });
    await billAt('2026-01-01');
    await use('2026-01-10', 100); // 32.00 of 100.00 * 31 / 365 = 8.49
    const all = await billAt('2026-02-01');
    expect(told(all)).toEqual(['INV-000001 fee 31.00', 'INV-000002 fee 31.00', 'INV-000003 period 1.00']);
    expect(all[2]?.commitments).toMatchObject([{ spend: '32.00' }]);
    await expectVerified(it);
  });

  test('are paid by credits once', async () => {
    await it.plan('pro', [BASE, CALLS]);
    await it.give('acme', { kind: 'money', key: 'promo', name: 'Promo', amount: '36.00' });
    await it.subscribe('acme', 'pro', '2026-01-01T00:00:00Z');
    expect(told(await billAt('2026-01-01'))).toEqual(['INV-000001 fee 0.00']);
    await use('2026-01-10', 1000);
    const spend = await spendOf(it.ports, 'acme', Date.parse('2026-01-11T00:00:00Z'), it.tenant);
    // 41.00, of which 31.00 are invoiced and 5.00 are left of the promo
    expect(spend.prepaid).toMatchObject({ credited: '5.00', due: '5.00' });
    // February's fee is invoiced first, and is owed before the end of January's calls is known: it takes what is left.
    expect(told(await billAt('2026-02-01'))).toEqual(['INV-000001 fee 0.00', 'INV-000002 fee 26.00', 'INV-000003 period 10.00']);
    expect(await it.ledger('acme')).toEqual(['promo grant 36 -> 36', 'promo burn -31 -> 5', 'promo burn -5 -> 0']);
    await expectVerified(it);
  });
});

describe('time that was paid for and not used', () => {
  test('is credited at once when the subscription ends, and pays what is left to invoice', async () => {
    await it.plan('pro', [SETUP, BASE, CALLS]);
    const subscription = await it.subscribe('acme', 'pro', '2026-01-01T00:00:00Z');
    await billAt('2026-01-01');
    await use('2026-01-05', 500); // 5.00
    await end(subscription, '2026-01-10T09:00:00Z');
    const [, note] = await billAt('2026-01-10T10:00:00Z');
    // 21 of 31 days
    expect(note).toMatchObject({ number: 'INV-000001-CN1', kind: 'credit_note', total: '-21.00', lines: [] });
    expect(note?.creditNote).toEqual({
      reason: 'subscription_ended',
      invoice: 'INV-000001',
      treatment: 'credit',
      amount: '21.00',
      grant: 'INV-000001-CN1',
      lines: [{ key: 'base', name: 'Base fee', baseAmount: '31', unused: 21, inPeriod: 31, unit: 'day', amount: '21.00' }],
      follows: 'INV-000001',
    });
    expect(await it.messages('credit_note.issued')).toMatchObject([{ number: 'INV-000001-CN1', amount: '21.00' }]);
    const all = await billAt('2026-01-11');
    expect(told(all).at(-1)).toBe('INV-000002 period 0.00');
    expect(all.at(-1)?.billedInAdvance?.map(({ invoice, key, amount }) => [invoice, key, amount])).toEqual([
      ['INV-000001', 'setup', '50.00'],
      ['INV-000001', 'base', '31.00'],
      ['INV-000001-CN1', 'base', '-21.00'],
    ]);
    // 5.00 of the credit paid the calls; the fee of 10.00 for ten days was paid before.
    expect(await it.ledger('acme')).toEqual(['INV-000001-CN1 grant 21 -> 21', 'INV-000001-CN1 burn -5 -> 16']);
    expect(told(await billAt('2026-03-01'))).toHaveLength(3);
    await expectVerified(it);
  });

  test('goes back to the credits that had paid for it; only what was paid in money is credited', async () => {
    await it.plan('pro', [BASE]);
    await it.give('acme', { kind: 'money', key: 'promo', name: 'Promo', amount: '20.00' });
    const subscription = await it.subscribe('acme', 'pro', '2026-01-01T00:00:00Z');
    expect(told(await billAt('2026-01-01'))).toEqual(['INV-000001 fee 11.00']);
    await end(subscription, '2026-01-10T09:00:00Z');
    const [, note] = await billAt('2026-01-10T10:00:00Z');
    // 10.00 were used, which the promo paid: 10.00 go back to it, and 11.00 were paid in money.
    expect(note).toMatchObject({ total: '-11.00', prepaid: { credited: '-10.00' }, creditNote: { amount: '11.00' } });
    await billAt('2026-01-11');
    expect(await it.ledger('acme')).toEqual([
      'promo grant 20 -> 20',
      'promo burn -20 -> 0',
      'promo refund 10 -> 10 for INV-000001',
      'INV-000001-CN1 grant 11 -> 11',
    ]);
    await expectVerified(it);
  });

  test('is to be paid back where the plan says refund', async () => {
    await it.plan('pro', [BASE], 'month', undefined, 'refund');
    const subscription = await it.subscribe('acme', 'pro', '2026-01-01T00:00:00Z');
    await billAt('2026-01-01');
    await end(subscription, '2026-01-10T09:00:00Z');
    const [, note] = await billAt('2026-01-10T10:00:00Z');
    expect(note?.creditNote).toMatchObject({ treatment: 'refund', amount: '21.00', grant: null });
    expect(told(await billAt('2026-01-11')).at(-1)).toBe('INV-000002 period 0.00');
    expect(await it.ledger('acme')).toEqual([]);
    await expectVerified(it);
  });

  test('is lost where the plan says none', async () => {
    await it.plan('pro', [BASE], 'month', undefined, 'none');
    await it.give('acme', { kind: 'money', key: 'promo', name: 'Promo', amount: '100.00' });
    const subscription = await it.subscribe('acme', 'pro', '2026-01-01T00:00:00Z');
    await billAt('2026-01-01');
    await end(subscription, '2026-01-10T09:00:00Z');
    const all = await billAt('2026-01-11');
    expect(told(all)).toEqual(['INV-000001 fee 0.00', 'INV-000002 period 0.00']);
    expect(all[1]?.billedInAdvance).toEqual([
      { invoice: 'INV-000001', key: 'base', name: 'Base fee', amount: '10.00', kept: '21.00' },
    ]);
    expect(await it.ledger('acme')).toEqual(['promo grant 100 -> 100', 'promo burn -31 -> 69']);
    await expectVerified(it);
  });

  test('is settled by the invoice of the period where that comes first', async () => {
    await it.plan('pro', [BASE]);
    const subscription = await it.subscribe('acme', 'pro', '2026-01-01T00:00:00Z');
    await billAt('2026-01-01');
    await end(subscription, '2026-01-10T09:00:00Z');
    it.clock.moveTo(Date.parse('2026-01-11T00:00:00Z'));
    const issue = it.ports.invoices.issue;
    const withoutNotes: typeof issue = async (draft, tenant) => (draft.kind === 'credit_note' ? 'exists' : issue(draft, tenant));
    const run = await requestInvoiceRun(it.ports, undefined, it.tenant);
    await executeInvoiceRun({ ...it.ports, invoices: { ...it.ports.invoices, issue: withoutNotes } }, run);
    expect(told(await billAt('2026-02-01'))).toEqual(['INV-000001 fee 31.00', 'INV-000002 period -21.00']);
    await expectVerified(it);
  });
});
