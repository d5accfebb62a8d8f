import { catalogStores, invoiceStore, ratingStore } from '@meterline/backends/postgres';
import type { Commitment } from '@meterline/domain/commitments';
import type { Database, InvoiceDraft, NegotiationDraft, PriceChangeDraft } from '@meterline/pipeline/ports';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { together } from '../support/parallel.ts';

const NOW_MS = Date.parse('2026-03-15T00:00:00Z');
const FEBRUARY_MS = Date.parse('2026-02-01T00:00:00Z');
const MARCH_MS = Date.parse('2026-03-01T00:00:00Z');
const PRO = { plan: 'pro', version: 1 };
const COMMITMENT: Commitment = { minimumSpend: '100.00', every: 'year', trueUp: 'in_advance' };

let tenants = 0;

/** What price changes, negotiated prices and commitments must keep on every billing store, however many do so at once. */
export function priceChangeContract(name: string, open: () => Promise<Database>): void {
  describe(`price changes, negotiated prices and commitments on ${name}`, () => {
    let database: Database;
    let tenant: string;
    let subscription: string;
    beforeAll(async () => {
      database = await open();
    });
    afterAll(() => database.close());
    beforeEach(async () => {
      tenant = `prices-${name}-${(tenants += 1)}`;
      subscription = `${tenant}-sub`;
      await database.query('insert into tenant (id, name, created_at) values ($1, $1, now())', [tenant]);
      const { customers, plans, subscriptions } = catalogStores(database);
      await customers.insert({ key: 'acme', name: 'Acme', currency: 'USD', timezone: 'UTC', subjects: ['a'] }, NOW_MS, tenant);
      const billingPeriod = { every: 'month', anchor: 'calendar' } as const;
      await plans.insert(
        { key: 'pro', name: 'Pro', currency: 'USD', billingPeriod, rateCards: [], commitment: COMMITMENT },
        NOW_MS,
        tenant,
      );
      const draft = {
        id: subscription,
        customer: 'acme',
        plan: 'pro',
        planVersion: 1,
        startsAtMs: FEBRUARY_MS,
        commitment: COMMITMENT,
      };
      await subscriptions.insert(draft, { startDayMs: FEBRUARY_MS, nowMs: NOW_MS }, tenant);
    });

    const changes = () => catalogStores(database).priceChanges;
    const draft = (afterRevision: number, validFromMs = MARCH_MS): PriceChangeDraft => ({
      ...PRO,
      rateCard: 'calls',
      validFromMs,
      price: { model: 'per_unit', unitAmount: '0.000000000001' },
      modifiers: { percentOff: '5' },
      afterRevision,
      isCorrection: false,
    });
    const invoice = (fields: Partial<InvoiceDraft> = {}): InvoiceDraft => ({
      id: `${tenant}-${Math.random().toString(36).slice(2)}`,
      kind: 'period',
      prepaid: null,
      subscription,
      customer: 'acme',
      currency: 'USD',
      total: '1.00',
      periodFromMs: FEBRUARY_MS,
      periodToMs: MARCH_MS,
      issuedAtMs: NOW_MS,
      subscriptionVersion: 1,
      plan: PRO,
      priceRevision: 0,
      negotiatedRevision: 0,
      run: 'run',
      finish: (number) => ({ document: JSON.stringify({ number }), message: {} }),
      ...fields,
    });
    const issue = (fields?: Partial<InvoiceDraft>) => invoiceStore(database).issue(invoice(fields), tenant);

    test('changes count up from 1, come back as they were entered, and are never known before one entered earlier', async () => {
      const first = await changes().insert(draft(0), NOW_MS, tenant);
      expect(first).toMatchObject({ revision: 1, validFromMs: MARCH_MS, knownSinceMs: NOW_MS });
      const second = await changes().insert({ ...draft(1), modifiers: null }, NOW_MS - 5000, tenant);
      expect(second).toMatchObject({ revision: 2, knownSinceMs: NOW_MS, modifiers: null });
      expect(await changes().upTo(PRO, 1, tenant)).toEqual([first]);
      expect(await changes().upTo(PRO, 9, tenant)).toEqual([first, second]);
      expect(await changes().upTo(PRO, 9, 'somebody else')).toEqual([]);
      const [account] = await ratingStore(database).accounts(['acme'], tenant);
      expect(account?.subscriptions).toMatchObject([{ priceRevision: 2, commitment: COMMITMENT }]);
    });

    test('a draft made before the newest change is outdated', async () => {
      await changes().insert(draft(0), NOW_MS, tenant);
      expect(await changes().insert(draft(0), NOW_MS, tenant)).toEqual({ refused: 'outdated' });
    });

    test('of 8 entered at once with the same knowledge one is kept', async () => {
      const results = await together(Array.from({ length: 8 }, () => () => changes().insert(draft(0), NOW_MS, tenant)));
      expect(results.filter((result) => 'revision' in result)).toHaveLength(1);
      expect(await changes().upTo(PRO, 9, tenant)).toHaveLength(1);
    });

    test('a change within invoiced days is refused unless it is a correction; what was invoiced in advance does not count', async () => {
      const advance = { kind: 'advance', periodFromMs: FEBRUARY_MS, periodToMs: Date.parse('2027-02-01T00:00:00Z') } as const;
      expect(await issue(advance)).toBe('issued');
      expect(await issue()).toBe('issued');
      const inFebruary = draft(0, MARCH_MS - 60_000);
      expect(await changes().insert(inFebruary, NOW_MS, tenant)).toEqual({ refused: 'invoiced', throughMs: MARCH_MS });
      expect(await changes().insert(draft(0), NOW_MS, tenant)).toMatchObject({ revision: 1 });
      expect(await changes().insert({ ...inFebruary, afterRevision: 1, isCorrection: true }, NOW_MS, tenant)).toMatchObject({
        revision: 2,
      });
    });

    test('an invoice that does not know the newest price is stale; a term is invoiced in advance once, beside its first period', async () => {
      await changes().insert(draft(0), NOW_MS, tenant);
      expect(await issue()).toBe('stale');
      const known = { priceRevision: 1 };
      expect(await issue({ ...known, kind: 'advance' })).toBe('issued');
      expect(await issue({ ...known, kind: 'advance' })).toBe('exists');
      expect(await invoiceStore(database).billedThrough([subscription], tenant)).toEqual(new Map());
      expect(await issue(known)).toBe('issued');
      expect(await invoiceStore(database).billedThrough([subscription], tenant)).toEqual(new Map([[subscription, MARCH_MS]]));
      const issued = await invoiceStore(database).issuedSince([subscription], FEBRUARY_MS, tenant);
      expect(issued.map(({ kind }) => kind)).toEqual(['advance', 'period']);
    });

    test('of an invoice and a change of its prices at once, whichever comes second knows of the first', async () => {
      const inFebruary = draft(0, FEBRUARY_MS);
      const [outcome, change] = await Promise.all([issue(), changes().insert(inFebruary, NOW_MS, tenant)]);
      expect([
        ['issued', { refused: 'invoiced', throughMs: MARCH_MS }],
        ['stale', { revision: 1 }],
      ]).toContainEqual([outcome, 'revision' in change ? { revision: change.revision } : change]);
    });

    const negotiated = () => catalogStores(database).negotiatedPrices;
    const agreement = (afterRevision: number, validFromMs = MARCH_MS, isCorrection = false): NegotiationDraft => ({
      ...{ customer: 'acme', plan: 'pro', rateCard: 'calls', meter: 'calls', afterRevision, isCorrection },
      ...{ validFromMs, validUntilMs: validFromMs + 60_000, note: 'since 2020' },
      price: { model: 'per_unit', unitAmount: '0.000000000001' },
      modifiers: { percentOff: '5', allowance: null },
    });
    const end = { customer: 'acme', plan: 'pro', rateCard: 'calls', ends: 1, atMs: MARCH_MS, afterRevision: 1 };

    test('what is negotiated comes back as it was entered, is never known before what was entered earlier, and makes older drafts stale', async () => {
      const first = await negotiated().insert(agreement(0), NOW_MS, tenant);
      expect(first).toMatchObject({ revision: 1, validFromMs: MARCH_MS, knownSinceMs: NOW_MS, modifiers: { allowance: null } });
      expect(await negotiated().insert(agreement(0), NOW_MS, tenant)).toEqual({ refused: 'outdated' });
      const second = await negotiated().insert({ ...end, isCorrection: false }, NOW_MS - 5000, tenant);
      expect(second).toEqual({ revision: 2, ends: 1, atMs: MARCH_MS, knownSinceMs: NOW_MS });
      expect(await negotiated().of('acme', tenant)).toEqual([first, second]);
      expect(await negotiated().of('acme', 'somebody else')).toEqual([]);
      const known = [
        { customer: 'acme', revision: 1 },
        { customer: 'nobody', revision: 9 },
      ];
      expect(await ratingStore(database).negotiations(known, tenant)).toEqual(new Map([['acme', [first]]]));
      const [account] = await ratingStore(database).accounts(['acme'], tenant);
      expect(account?.negotiated).toEqual({ customer: 'acme', revision: 2 });
      expect(await issue({ negotiatedRevision: 1 })).toBe('stale');
      expect(await issue({ negotiatedRevision: 2 })).toBe('issued');
    });

    test('of an invoice and a price negotiated for its days at once, whichever comes second knows of the first', async () => {
      const [outcome, price] = await Promise.all([issue(), negotiated().insert(agreement(0, FEBRUARY_MS), NOW_MS, tenant)]);
      expect([
        ['issued', { refused: 'invoiced', throughMs: MARCH_MS }],
        ['stale', { revision: 1 }],
      ]).toContainEqual([outcome, 'revision' in price ? { revision: price.revision } : price]);
    });

    test('within invoiced days of the plan a price and its end need to be corrections', async () => {
      expect(await issue()).toBe('issued');
      const inFebruary = MARCH_MS - 60_000;
      expect(await negotiated().insert(agreement(0, inFebruary), NOW_MS, tenant)).toEqual({
        refused: 'invoiced',
        throughMs: MARCH_MS,
      });
      expect(await negotiated().insert(agreement(0, inFebruary, true), NOW_MS, tenant)).toMatchObject({ revision: 1 });
      const early = { ...end, atMs: inFebruary };
      expect(await negotiated().insert({ ...early, isCorrection: false }, NOW_MS, tenant)).toMatchObject({ refused: 'invoiced' });
      expect(await negotiated().insert({ ...early, isCorrection: true }, NOW_MS, tenant)).toMatchObject({ revision: 2 });
    });

    test('what was negotiated is refused to be changed or deleted by anybody', async () => {
      await negotiated().insert(agreement(0), NOW_MS, tenant);
      for (const statement of ['update negotiated_price set note = null', 'delete from negotiated_price']) {
        await expect(database.query(`${statement} where tenant = $1`, [tenant])).rejects.toMatchObject({ code: 'ML002' });
      }
    });

    test('an entered change is refused to be changed or deleted by anybody', async () => {
      await changes().insert(draft(0), NOW_MS, tenant);
      for (const statement of ['update price_change set price = null', 'delete from price_change']) {
        await expect(database.query(`${statement} where tenant = $1`, [tenant])).rejects.toMatchObject({ code: 'ML002' });
      }
    });
  });
}
