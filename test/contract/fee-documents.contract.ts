import { catalogStores, invoiceStore, prepaidStore, ratingStore } from '@meterline/backends/postgres';
import type { Grant } from '@meterline/domain/prepaid';
import type { Database, InvoiceDraft } from '@meterline/pipeline/ports';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

const FEBRUARY_MS = Date.parse('2026-02-01T00:00:00Z');
const MARCH_MS = Date.parse('2026-03-01T00:00:00Z');
let tenants = 0;

/** What every billing store must keep about documents that bill a period before its invoice. */
export function feeDocumentsContract(name: string, open: () => Promise<Database>): void {
  describe(`documents in advance on ${name}`, () => {
    let database: Database;
    let tenant: string;
    let subscription: string;
    let drafts = 0;

    beforeAll(async () => {
      database = await open();
    });
    afterAll(() => database.close());
    beforeEach(async () => {
      tenants += 1;
      tenant = `fees-${name}-${tenants}`;
      subscription = `sub-${tenant}`;
      await database.query('insert into tenant (id, name, created_at) values ($1, $1, now())', [tenant]);
      const { customers, plans, subscriptions } = catalogStores(database);
      await customers.insert({ key: 'acme', name: 'Acme', currency: 'USD', timezone: 'UTC', subjects: [] }, FEBRUARY_MS, tenant);
      const billingPeriod = { every: 'month', anchor: 'calendar' } as const;
      const plan = { key: 'pro', name: 'Pro', currency: 'USD', billingPeriod, rateCards: [], unusedTime: 'refund' } as const;
      await plans.insert(plan, FEBRUARY_MS, tenant);
      const of = { id: subscription, customer: 'acme', plan: 'pro', planVersion: 1, startsAtMs: FEBRUARY_MS };
      await subscriptions.insert(of, { startDayMs: FEBRUARY_MS, nowMs: FEBRUARY_MS }, tenant);
    });

    const draft = (fields: Partial<InvoiceDraft>): InvoiceDraft => ({
      id: `${tenant}-${(drafts += 1)}`,
      kind: 'period',
      prepaid: null,
      subscription,
      customer: 'acme',
      currency: 'USD',
      total: '1.00',
      periodFromMs: FEBRUARY_MS,
      periodToMs: MARCH_MS,
      issuedAtMs: FEBRUARY_MS,
      subscriptionVersion: 1,
      plan: { plan: 'pro', version: 1 },
      priceRevision: 0,
      negotiatedRevision: 0,
      run: 'none',
      finish: (number, follows) => ({ document: JSON.stringify({ number, follows }), message: { number } }),
      ...fields,
    });
    const issue = (fields: Partial<InvoiceDraft>) => invoiceStore(database).issue(draft(fields), tenant);
    const fee = { kind: 'fee', earlier: { fees: 0 } } as const;
    const grant: Grant = {
      ...{ id: 'grant', key: 'INV-000001-CN1', name: 'Note', units: null, currency: 'USD', amount: '0.50' },
      ...{ priority: 0, effectiveAtMs: FEBRUARY_MS, expiresAtMs: null, createdAtMs: FEBRUARY_MS, cost: '0.50' },
      ...{ carryOver: null, carriedFrom: null },
    };
    const note = { kind: 'credit_note', earlier: { fees: 1 }, creditNote: { invoice: 'INV-000001', grant: null } } as const;

    test('an invoice that does not know the fees of its period, or what was given back of them, is stale', async () => {
      expect(await issue(fee)).toBe('issued');
      expect(await issue({ earlier: { fees: 0 } })).toBe('stale');
      expect(await issue(note)).toBe('issued');
      expect(await issue({ earlier: { fees: 1 } })).toBe('stale');
      expect(await issue({ earlier: { fees: 2 } })).toBe('issued');
    });

    test('a period has fees of another plan once those before are given back, each with a credit note of its own', async () => {
      expect(await issue(fee)).toBe('issued');
      const second = { kind: 'fee', earlier: { fees: 2 } } as const;
      expect(await issue(second)).toBe('exists');
      expect(await issue(note)).toBe('issued');
      expect(await issue(fee)).toBe('stale'); // it knows nothing of the first one
      const outcomes = await Promise.all(Array.from({ length: 8 }, () => issue(second)));
      expect(outcomes.toSorted()).toEqual([...Array.from({ length: 7 }, () => 'exists'), 'issued']);
      const noteOfSecond = { ...note, creditNote: { invoice: 'INV-000002', grant: null } };
      expect(await issue({ ...noteOfSecond, earlier: { fees: 2 } })).toBe('stale');
      expect(await issue({ ...noteOfSecond, earlier: { fees: 3 } })).toBe('issued');
      expect(await issue({ ...note, earlier: { fees: 4 } })).toBe('exists');
      expect(await issue({ earlier: { fees: 3 } })).toBe('stale');
      expect(await issue({ earlier: { fees: 4 } })).toBe('issued');
      const kinds = (await invoiceStore(database).issuedSince([subscription], 0, tenant)).map(({ kind }) => kind);
      expect(kinds).toEqual(['fee', 'fee', 'credit_note', 'credit_note', 'period']);
    });

    test('neither fees are billed nor given back behind the invoice of their period', async () => {
      expect(await issue({ earlier: { fees: 0 } })).toBe('issued');
      expect(await issue(fee)).toBe('exists');
      expect(await issue({ ...note, earlier: { fees: 0 } })).toBe('exists');
    });

    const interim = (part: number, known: number) =>
      issue({ kind: 'interim', interim: { part, usageToMs: FEBRUARY_MS + part }, earlier: { fees: 0, interims: known } });

    test('a period has many interim invoices, each of which knows of those before it, and none behind its own', async () => {
      expect(await interim(1, 0)).toBe('issued');
      expect(await interim(1, 0)).toBe('stale');
      expect(await interim(2, 1)).toBe('issued');
      expect(await issue({ earlier: { fees: 0, interims: 1 } })).toBe('stale');
      expect(await issue(fee)).toBe('issued'); // a fee does not look at them
      expect(await issue({ earlier: { fees: 1, interims: 2 } })).toBe('issued');
      expect(await interim(3, 2)).toBe('exists');
      const kinds = (await invoiceStore(database).issuedSince([subscription], 0, tenant)).map(({ kind }) => kind);
      expect(kinds).toEqual(['fee', 'interim', 'interim', 'period']);
    });

    test('of 8 at once one is the first part', async () => {
      const outcomes = await Promise.all(Array.from({ length: 8 }, () => interim(1, 0)));
      expect(outcomes.toSorted()).toEqual(['issued', ...Array.from({ length: 7 }, () => 'stale')]);
    });

    const atThreshold = (threshold: string, cut: number) =>
      invoiceStore(database).startAtThreshold({
        ...{ id: `run-${tenant}-${(drafts += 1)}`, tenant, subscription, threshold, scheduled: false, targetCut: [cut] },
        ...{ atMs: FEBRUARY_MS, createdAtMs: FEBRUARY_MS },
      });
    const wakeups = () => ratingStore(database).waiting(10_000, []).then((rows) => rows.filter((row) => row.tenant === tenant)); // prettier-ignore

    test('a subscription has one run at a threshold at a time, of the highest level that was asked for', async () => {
      const runs = await Promise.all(Array.from({ length: 8 }, (_, index) => atThreshold(`${index + 95}.00`, index)));
      expect(new Set(runs.map((run) => run?.id)).size).toBe(1);
      const [id = ''] = runs.map((run) => run?.id);
      const store = invoiceStore(database);
      expect(await store.run(id, tenant)).toMatchObject({ subscription, threshold: '102.00', targetCut: [7], state: 'running' });
      expect(await atThreshold('100.00', 9)).toMatchObject({ id, threshold: '102.00', targetCut: [7] });
      expect((await store.unfinishedRuns({ after: null, limit: 1000 })).items.filter((run) => run.tenant === tenant)).toHaveLength(1); // prettier-ignore
    });

    test('a run at a threshold that is complete wakes rating for its customer once, and others may follow it', async () => {
      const store = invoiceStore(database);
      const first = await atThreshold('100.00', 1);
      const known = (await wakeups()).length;
      await store.completeRun(first?.id ?? '', MARCH_MS, tenant);
      await store.completeRun(first?.id ?? '', MARCH_MS, tenant);
      expect((await wakeups()).slice(known)).toMatchObject([{ customers: ['acme'] }]);
      const second = await atThreshold('100.00', 2);
      expect(second?.id).not.toBe(first?.id);
      const other = { id: `run-${tenant}`, tenant, atMs: MARCH_MS, scheduled: true, targetCut: [0], createdAtMs: MARCH_MS };
      const { id, threshold } = await store.insertRun(other);
      await store.completeRun(id, MARCH_MS, tenant);
      expect(threshold).toBe(null);
      expect(await wakeups()).toHaveLength(known + 1);
    });

    test('a plan version says at which levels it invoices, and customers under one are told from others', async () => {
      const { customers, plans, subscriptions } = catalogStores(database);
      const of = (keys: string[]) => ratingStore(database).invoicedByThreshold(['s-globex'], keys, tenant);
      const invoiceThresholds = { steps: ['100.00'], thenEvery: '50' };
      await customers.insert({ key: 'globex', name: 'Globex', currency: 'USD', timezone: 'UTC', subjects: ['s-globex'] }, FEBRUARY_MS, tenant); // prettier-ignore
      expect(await of(['acme'])).toEqual([]);
      await plans.addVersion('pro', { rateCards: [], invoiceThresholds }, FEBRUARY_MS, tenant);
      expect([(await plans.byKey('pro', tenant))?.invoiceThresholds, (await plans.version('pro', 1, tenant))?.invoiceThresholds]).toEqual([invoiceThresholds, null]); // prettier-ignore
      const subscribed = { id: `${subscription}-2`, customer: 'globex', plan: 'pro', planVersion: 2, startsAtMs: FEBRUARY_MS };
      await subscriptions.insert(subscribed, { startDayMs: FEBRUARY_MS, nowMs: FEBRUARY_MS }, tenant);
      expect(await of(['acme'])).toEqual(['globex']);
      const [account] = await ratingStore(database).accounts(['globex'], tenant);
      expect(account?.subscriptions.map((terms) => terms.invoiceThresholds)).toEqual([invoiceThresholds]);
      expect(await ratingStore(database).pricesOf({ plan: 'pro', version: 2 }, null, tenant)).toMatchObject({
        invoiceThresholds,
      });
    });

    test('of 8 at once one bills the fees, and one gives them back', async () => {
      const outcomes = await Promise.all(Array.from({ length: 8 }, () => issue(fee)));
      expect(outcomes.toSorted()).toEqual([...Array.from({ length: 7 }, () => 'exists'), 'issued']);
      const notes = await Promise.all(Array.from({ length: 8 }, () => issue(note)));
      expect(notes.toSorted()).toEqual([...Array.from({ length: 7 }, () => 'exists'), 'issued']);
    });

    test('a credit note is numbered after its invoice, uses no number of theirs, gives its grant and is listed apart', async () => {
      await issue(fee);
      await issue({ ...note, creditNote: { invoice: 'INV-000001', grant: { ...grant, id: `grant-${tenant}` } } });
      expect(await issue({ earlier: { fees: 2 } })).toBe('stale'); // it knows nothing of the grant
      const prepaid = { position: 1, order: 'priority', movements: [] } as const;
      expect(await issue({ earlier: { fees: 2 }, prepaid })).toBe('issued');
      const all = { after: null, limit: 10 };
      const store = invoiceStore(database);
      const documents = (items: readonly { document: string }[]) => items.map(({ document }) => JSON.parse(document) as unknown);
      expect(documents((await store.creditNotes(all, tenant)).items)).toEqual([
        { number: 'INV-000001-CN1', follows: 'INV-000001' },
      ]);
      expect(documents((await store.invoices(all, tenant)).items)).toEqual(
        expect.arrayContaining([
          { number: 'INV-000001', follows: null },
          { number: 'INV-000002', follows: 'INV-000001' },
        ]),
      );
      const kinds = (await store.issuedSince([subscription], 0, tenant)).map(({ kind }) => kind);
      expect(kinds).toEqual(['fee', 'credit_note', 'period']);
      const ledger = await prepaidStore(database).ledger('acme', all, tenant);
      expect(ledger.items).toMatchObject([{ position: 1, kind: 'grant', amount: '0.50', balance: '0.50' }]);
    });

    test('a credit note never changes', async () => {
      await issue(fee);
      await issue(note);
      const changed = database.query(`update invoice set total = 0 where kind = 'credit_note' and tenant = $1`, [tenant]);
      await expect(changed).rejects.toThrow('never changes');
    });

    test('what is billed in advance bills no period: its subscription waits for its invoice, and so do grants', async () => {
      await issue(fee);
      const store = invoiceStore(database);
      const candidates = await store.candidates(MARCH_MS, { after: null, limit: 10, subscription }, tenant);
      expect(candidates.items).toEqual([{ subscription, customer: 'acme', billedThroughMs: null }]);
      expect((await store.candidates(MARCH_MS, { after: null, limit: 10, subscription: 'another' }, tenant)).items).toEqual([]);
      expect((await store.billedThrough([subscription], tenant)).size).toBe(0);
      await prepaidStore(database).insertGrant('acme', { ...grant, id: `late-${tenant}`, expiresAtMs: FEBRUARY_MS + 1 }, tenant);
      expect(await prepaidStore(database).withRests(MARCH_MS, tenant)).toEqual([]);
      expect((await prepaidStore(database).prepaid(['acme'], tenant))[0]?.billedThroughMs.size).toBe(0);
    });

    test('a plan version says what becomes of unused time, by default a credit', async () => {
      const { plans } = catalogStores(database);
      expect((await plans.byKey('pro', tenant))?.unusedTime).toBe('refund');
      await plans.addVersion('pro', { rateCards: [] }, FEBRUARY_MS, tenant);
      expect((await plans.version('pro', 2, tenant))?.unusedTime).toBe('credit');
    });
  });
}
