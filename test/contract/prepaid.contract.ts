import type { InvoiceDocument } from '@meterline/domain/invoices';
import { executeInvoiceRun, invoiceAccounting, requestInvoiceRun } from '@meterline/pipeline/invoices';
import { formatDecimal } from '@meterline/domain/money';
import { createGrant, newGrantSchema, voidGrant } from '@meterline/pipeline/grants';
import type { Database, InvoiceDraft, InvoiceStore } from '@meterline/pipeline/ports';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { catalogStores, prepaidStore } from '@meterline/backends/postgres';
import { openRatingFixture, type RatingFixture } from '../support/rating.ts';
import { together } from '../support/parallel.ts';

const NOW = '2026-03-15T12:00:00Z';
const JANUARY = '2026-01-10T00:00:00Z';

/** What every billing store keeps of grants and their ledger, also when many act at once. */
export function prepaidContract(open: () => Promise<{ readonly database: Database; close(): Promise<void> }>): void {
  let opened: Awaited<ReturnType<typeof open>>;
  let it: RatingFixture;

  beforeAll(async () => {
    opened = await open();
  });
  afterAll(() => opened.close());
  beforeEach(async () => {
    it = await openRatingFixture(opened.database, NOW);
    await it.meter('calls');
    await it.customer('acme', ['a']);
  });
  afterEach(() => it.close());

  const pack = (key: string, amount: string, more = {}) => ({
    kind: 'units' as const,
    key,
    name: key,
    meter: 'calls',
    amount,
    ...more,
  });
  const subscribe = async (key: string, startsAt = '2026-02-01T00:00:00Z') => {
    await it.plan(key, [{ key: 'calls', name: 'Calls', meter: 'calls', price: { model: 'per_unit', unitAmount: '0.1' } }]);
    return it.subscribe('acme', key, startsAt);
  };
  const run = async (invoices: InvoiceStore = it.ports.invoices) =>
    executeInvoiceRun({ ...it.ports, invoices }, await requestInvoiceRun(it.ports, undefined, it.tenant));
  const documents = async () => (await it.invoices()).map(({ document }) => JSON.parse(document) as InvoiceDocument);
  const grantPorts = () => ({ ...it.ports, customers: catalogStores(opened.database).customers });
  const soundLedger = async () => {
    expect(await it.prepaidFaults()).toEqual([]);
    const own = await it.ports.invoices.invoices({ after: null, limit: 1000 }, it.tenant);
    const allInvoices = async () => ({ items: own.items.map((each) => ({ ...each, tenant: it.tenant })), nextAfter: null });
    const invoices = { ...it.ports.invoices, allInvoices };
    expect((await invoiceAccounting({ ...it.ports, invoices })).differing).toEqual([]);
  };

  describe('grants', () => {
    test('asked for many times at once under one key are given once', async () => {
      const ids = await together(
        Array.from({ length: 16 }, () => () => it.give('acme', pack('starter', '100', { cost: '9.90' }))),
      );
      expect(new Set(ids).size).toBe(1);
      expect(await it.ledger('acme')).toEqual(['starter grant 100 -> 100']);
      await expect(it.give('acme', pack('starter', '101', { cost: '9.90' }))).rejects.toMatchObject({ code: 'grant.key_taken' });
      await expect(it.give('acme', pack('starter', '100'))).rejects.toMatchObject({ code: 'grant.key_taken' });
    });

    test('given at once get positions without gaps', async () => {
      await together(Array.from({ length: 16 }, (_, index) => () => it.give('acme', pack(`p${index}`, '5'))));
      expect(await it.ledger('acme')).toHaveLength(16);
      await soundLedger();
    });

    test('are voided once, however many ask', async () => {
      const id = await it.give('acme', pack('starter', '100'));
      const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => voidGrant(grantPorts(), id, it.tenant)));
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(await it.ledger('acme')).toEqual(['starter grant 100 -> 100', 'starter void -100 -> 0']);
      await expect(voidGrant(grantPorts(), id, it.tenant)).rejects.toMatchObject({ code: 'grant.voided' });
      await expect(voidGrant(grantPorts(), id, 'another')).rejects.toMatchObject({ code: 'grant.unknown' });
    });

    test('of another tenant are neither seen nor taken', async () => {
      const body = newGrantSchema.parse(pack('starter', '100'));
      await expect(createGrant(grantPorts(), 'acme', body, 'another')).rejects.toMatchObject({ code: 'customer.unknown' });
      await it.give('acme', pack('starter', '100'));
      const store = prepaidStore(opened.database);
      expect(await store.prepaid(['acme'], 'another')).toEqual([]);
      expect((await store.grants('acme', { after: null, limit: 9 }, 'another')).items).toEqual([]);
      expect((await store.ledger('acme', { after: null, limit: 9 }, 'another')).items).toEqual([]);
    });
  });

  describe('the ledger', () => {
    test('never changes', async () => {
      await it.give('acme', pack('starter', '100'));
      for (const statement of [
        'update prepaid_movement set amount = 1, balance = 1',
        'delete from prepaid_movement',
        'update prepaid_grant set amount = 1',
        'delete from prepaid_grant',
      ]) {
        await expect(opened.database.query(statement)).rejects.toMatchObject({ code: 'ML002' });
      }
    });

    test('refuses to be overdrawn, and keeps nothing of what tried', async () => {
      const subscription = await subscribe('pro');
      const grant = await it.give('acme', pack('starter', '10'));
      const burn = { grant, kind: 'burn', amount: '-10.5', line: 'calls', adjusts: null } as const;
      await expect(it.ports.invoices.issue(draftOf({ subscription, plan: 'pro' }, [burn]), it.tenant)).rejects.toMatchObject({
        code: '23514',
      });
      expect(await it.invoices()).toEqual([]);
      expect(await it.ledger('acme')).toEqual(['starter grant 10 -> 10']);
    });

    test('of 32 invoices that saw it at the same place at once, one is issued; the others are stale', async () => {
      const subscriptions = [];
      for (let count = 0; count < 32; count += 1)
        subscriptions.push({ subscription: await subscribe(`plan${count}`), plan: `plan${count}` });
      const grant = await it.give('acme', pack('starter', '10'));
      const burn = { grant, kind: 'burn', amount: '-10', line: 'calls', adjusts: null } as const;
      const outcomes = await together(subscriptions.map((of) => () => it.ports.invoices.issue(draftOf(of, [burn]), it.tenant)));
      expect(outcomes.toSorted()).toEqual(['issued', ...Array.from({ length: 31 }, () => 'stale')]);
      expect(await it.ledger('acme')).toEqual(['starter grant 10 -> 10', 'starter burn -10 -> 0']);
    });

    test('shows what it was at any place', async () => {
      await subscribe('pro');
      const first = await it.give('acme', pack('first', '30'));
      await it.use('calls', 'a', '2026-02-10T00:00:00Z', '20');
      await run();
      await it.give('acme', pack('second', '5'));
      const at = async (position: number) =>
        (await it.ports.prepaid.prepaidAt('acme', position, it.tenant)).map(
          ({ grant, balance }) => `${grant.key} ${String(balance.units)}`,
        );
      expect(await Promise.all([0, 1, 2, 3].map(at))).toEqual([[], ['first 30'], ['first 10'], ['first 10', 'second 5']]);
      expect(await it.ports.prepaid.grantBalance(first, it.tenant)).toMatchObject({ customer: 'acme', balance: { units: 10n } });
    });
  });

  describe('invoice runs', () => {
    test('32 subscriptions that burn one pack in 8 runs at once, while packs are added, take what there is and no more', async () => {
      for (let count = 0; count < 32; count += 1) await subscribe(`plan${count}`);
      await it.use('calls', 'a', '2026-02-10T00:00:00Z', '10');
      await it.give('acme', pack('starter', '105'));
      const runs = Array.from({ length: 8 }, () => () => run());
      const packs = ['20', '15'].map((amount) => () => it.give('acme', pack(`more-${amount}`, amount)));
      await Promise.all([...runs, ...packs].map((work) => work()));
      const lines = (await documents()).flatMap((invoice) => invoice.lines);
      const covered = lines.reduce((sum, line) => sum + Number(line.covered ?? 0), 0);
      const burns = (await it.ledger('acme')).filter((row) => row.includes(' burn '));
      expect(burns.reduce((sum, row) => sum - Number(row.split(' ')[2]), 0)).toBe(covered);
      // Of 320 calls those of the packs are covered; only a pack that came when all was invoiced is left.
      const left = (await it.ports.prepaid.prepaid(['acme'], it.tenant)).flatMap(({ balances }) => balances);
      expect(covered + left.reduce((sum, { balance }) => sum + Number(formatDecimal(balance)), 0)).toBe(140);
      expect(covered).toBeGreaterThanOrEqual(105);
      expect(await it.invoices()).toHaveLength(32);
      await soundLedger();
    });

    test('draft every invoice of a customer anew when a pack comes between draft and issue, in the place that the first would have taken', async () => {
      await subscribe('one');
      await subscribe('two');
      await it.use('calls', 'a', '2026-02-10T00:00:00Z', '10');
      await it.give('acme', pack('starter', '12'));
      const { issue } = it.ports.invoices;
      let isGiven = false;
      const raced: typeof issue = async (draft, tenant) => {
        if (!isGiven) await it.give('acme', pack('more', '50', { priority: -1 }));
        isGiven = true;
        return issue(draft, tenant);
      };
      await run({ ...it.ports.invoices, issue: raced });
      expect((await it.ledger('acme')).slice(2)).toEqual(['more burn -10 -> 40', 'more burn -10 -> 30']);
      await soundLedger();
    });

    test('cut off between two invoices and run again book every burn once', async () => {
      await subscribe('pro', JANUARY);
      await it.give('acme', pack('starter', '100'));
      await it.use('calls', 'a', JANUARY, '30');
      await it.use('calls', 'a', '2026-02-10T00:00:00Z', '40');
      const { issue } = it.ports.invoices;
      let left = 1;
      const dying: typeof issue = (draft, tenant) => (left-- > 0 ? issue(draft, tenant) : Promise.reject(new Error('killed')));
      await expect(run({ ...it.ports.invoices, issue: dying })).rejects.toThrow('killed');
      expect(await it.ledger('acme')).toEqual(['starter grant 100 -> 100', 'starter burn -30 -> 70']);
      await run();
      await run();
      expect((await it.ledger('acme')).slice(1)).toEqual(['starter burn -30 -> 70', 'starter burn -40 -> 30']);
      await soundLedger();
    });

    test('settle what expired once, however many look', async () => {
      await subscribe('pro');
      const carryOver = { percent: '50', expiresAt: '2026-06-01T00:00:00Z' };
      await it.give('acme', pack('starter', '100', { expiresAt: '2026-03-01T00:00:00Z', carryOver }));
      await it.use('calls', 'a', '2026-02-10T00:00:00Z', '40');
      await together(Array.from({ length: 6 }, () => () => run()));
      expect((await it.ledger('acme')).slice(2)).toEqual([
        'starter carry_over -30 -> 30',
        'starter (carried over) carry_over 30 -> 30',
        'starter expire -30 -> 0',
      ]);
      await soundLedger();
    });
  });

  /** An invoice for February that takes something of the grants. */
  function draftOf(
    { subscription, plan }: { readonly subscription: string; readonly plan: string },
    movements: NonNullable<InvoiceDraft['prepaid']>['movements'],
  ): InvoiceDraft {
    return {
      id: `${subscription}-${Math.random().toString(36).slice(2)}`,
      kind: 'period',
      subscription,
      priceRevision: 0,
      negotiatedRevision: 0,
      periodFromMs: Date.parse('2026-02-01T00:00:00Z'),
      periodToMs: Date.parse('2026-03-01T00:00:00Z'),
      customer: 'acme',
      currency: 'USD',
      total: '0.00',
      issuedAtMs: Date.parse(NOW),
      subscriptionVersion: 1,
      plan: { plan, version: 1 },
      run: 'run',
      prepaid: { position: 1, order: 'priority', movements },
      finish: (number) => ({ document: JSON.stringify({ number }), message: { number } }),
    };
  }
}
