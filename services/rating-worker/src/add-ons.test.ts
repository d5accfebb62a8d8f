import { catalogStores } from '@meterline/backends/postgres';
import { entitlementChecks } from '@meterline/pipeline/entitlements';
import { executeInvoiceRun, requestInvoiceRun } from '@meterline/pipeline/invoices';
import type { Database } from '@meterline/pipeline/ports';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTestDatabase } from '../../../test/support/database.ts';
import { openRatingFixture, type RatingFixture } from '../../../test/support/rating.ts';
import { changeNow, previewNow } from '../../../test/support/subscription-changes.ts';

let database: Database;
let it: RatingFixture;
let subscription: string;
beforeAll(async () => {
  database = await openTestDatabase();
  it = await openRatingFixture(database, '2026-03-01T00:00:00Z');
  await it.meter('storage');
  const { features, plans } = catalogStores(database);
  await features.insert({ key: 'storage', name: 'Storage', meter: 'storage', filter: {} }, it.clock.nowMs(), it.tenant);
  await features.insert({ key: 'sso', name: 'Single sign-on', meter: null, filter: {} }, it.clock.nowMs(), it.tenant);
  const addOn = (key: string, amount: string) => ({ key, name: key, price: { model: 'flat', amount, quantity: '0' } as const });
  await plans.insert(
    {
      ...{ key: 'team', name: 'Team', currency: 'USD', billingPeriod: { every: 'month', anchor: 'calendar' } },
      rateCards: [
        { key: 'base', name: 'Base', price: { model: 'flat', amount: '31.00' } },
        addOn('storage-pack', '6.20'),
        addOn('security', '3.10'),
      ],
      features: [
        { feature: 'storage', entitlement: { type: 'metered', limit: '10' } },
        { feature: 'storage', entitlement: { type: 'metered', limit: '5' }, addOn: 'storage-pack' },
        { feature: 'sso', entitlement: { type: 'boolean' }, addOn: 'security' },
      ],
    },
    it.clock.nowMs(),
    it.tenant,
  );
  await it.customer('acme', ['a']);
  subscription = await it.subscribe('acme', 'team', '2026-03-01T00:00:00Z');
  it.clock.moveTo(Date.parse('2026-03-11T10:00:00Z'));
  await it.use('storage', 'a', '2026-03-10T00:00:00Z', '12');
});
afterAll(async () => {
  await it.close();
  await database.close();
});

const check = (feature: string) => entitlementChecks(it.ports).one('acme', feature, it.tenant);

describe('add-ons of a plan', () => {
  test('allow nothing and cost nothing until they are subscribed', async () => {
    expect(await check('storage')).toMatchObject({ hasAccess: false, limit: '10', used: '12' });
    expect(await check('sso')).toMatchObject({ hasAccess: false, type: null });
  });

  test('are shown before with what they cost and allow', async () => {
    const quantities = { 'storage-pack': '2', security: '1' };
    const { features, next, without } = await previewNow(it, subscription, { kind: 'quantity', quantities });
    expect(features).toMatchObject([
      { feature: 'sso', change: 'added', message: null },
      { feature: 'storage', change: 'changed', before: { limit: '10' }, after: { limit: '20' }, used: '12', exceeds: false },
    ]);
    // 21 of 31 days are left: 31.00 + 2 * 6.20 * 21 / 31 + 3.10 * 21 / 31 = 31.00 + 8.40 + 2.10.
    expect([next[0]?.total, without[0]?.total]).toEqual(['41.50', '31.00']);
  });

  test('allow their limits as many times, from the day they are added until the day they go', async () => {
    await changeNow(it, subscription, { kind: 'quantity', quantities: { 'storage-pack': '2' } });
    const until = '2026-03-21T00:00:00Z';
    await changeNow(it, subscription, { kind: 'quantity', quantities: { security: '1' }, until });
    await it.ports.balances.clear(it.tenant);
    expect(await check('storage')).toMatchObject({ hasAccess: true, limit: '20', used: '12', balance: '8' });
    expect(await check('sso')).toMatchObject({ hasAccess: true, type: 'boolean' });
    // What is kept of the answer does not outlive the add-on: nothing but time has passed.
    it.clock.moveTo(Date.parse('2026-03-21T00:00:00Z'));
    expect(await check('sso')).toMatchObject({ hasAccess: false });
    expect(await check('storage')).toMatchObject({ limit: '20' });
  });

  test('are billed by their days within the invoice of the period', async () => {
    it.clock.moveTo(Date.parse('2026-04-01T00:00:00Z'));
    const run = await requestInvoiceRun(it.ports, undefined, it.tenant);
    await it.jobs.idle();
    await executeInvoiceRun(it.ports, run);
    const [{ document } = { document: '{}' }] = await database.query<{ document: string }>(
      'select document from invoice where tenant = $1',
      [it.tenant],
    );
    const invoice = JSON.parse(document) as { lines: { key: string; amount: string }[]; total: string };
    // Packs on 21 of 31 days: 2 * 6.20 * 21 / 31 = 8.40; security on 10: 3.10 * 10 / 31 = 1.00.
    expect(invoice.lines.map(({ key, amount }) => [key, amount])).toEqual([
      ['base', '31.00'],
      ['storage-pack', '8.40'],
      ['security', '1.00'],
    ]);
    expect(invoice.total).toBe('40.40');
  });
});
