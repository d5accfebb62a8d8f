import { catalogStores } from '@meterline/backends/postgres';
import type { Entitlement } from '@meterline/domain/entitlements';
import { evaluateWakeups } from '@meterline/pipeline/alerts';
import { entitlementChecks } from '@meterline/pipeline/entitlements';
import type { BalanceStore, Database, EntitlementOccurrence } from '@meterline/pipeline/ports';
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
  it = await openRatingFixture(database, '2026-02-10T12:00:00Z');
  await it.meter('calls', 'sum', { media: '$.media' });
  const { features } = catalogStores(database);
  const nowMs = it.clock.nowMs();
  await features.insert({ key: 'video', name: 'Video calls', meter: 'calls', filter: { media: ['video'] } }, nowMs, it.tenant);
  await features.insert({ key: 'calling', name: 'Calls', meter: 'calls', filter: {} }, nowMs, it.tenant);
  await features.insert({ key: 'sso', name: 'Single sign-on', meter: null, filter: {} }, nowMs, it.tenant);
});
afterEach(() => it.close());

/** A plan that allows this, by feature. */
async function plan(
  key: string,
  allowed: Readonly<Record<string, Entitlement>>,
  every: 'week' | 'month' = 'month',
): Promise<void> {
  const features = Object.entries(allowed).map(([feature, entitlement]) => ({ feature, entitlement }));
  const billingPeriod = { every, anchor: 'calendar' } as const;
  await catalogStores(database).plans.insert({ key, name: key, currency: 'USD', billingPeriod, rateCards: [], features }, it.clock.nowMs(), it.tenant); // prettier-ignore
}

const hundred: Entitlement = { type: 'metered', limit: '100', warnAtPercent: [80] };
const checks = (balances: BalanceStore = it.ports.balances) => entitlementChecks({ ...it.ports, balances });
const check = (feature = 'calling', customer = 'acme') => checks().one(customer, feature, it.tenant);
const rate = async () => (await evaluateWakeups(it.ports, it.tenant, await it.waiting())) as EntitlementOccurrence[];
const levels = (fired: readonly EntitlementOccurrence[]) => fired.map(({ feature, percent, limit, used }) => `${feature} ${percent}% of ${limit} at ${used}`); // prettier-ignore
const nothing: BalanceStore = {
  read: async () => undefined,
  keep: async (work) => work(),
  clear: async () => 0,
};

describe('what a customer may use', () => {
  test('is what its plan version allows, with the usage of the period as spend counts it', async () => {
    await plan('pro', { calling: hundred, video: { type: 'metered', limit: null }, sso: { type: 'boolean' } });
    await it.customer('acme', ['a', 'b'], 'Europe/Berlin');
    const subscription = await it.subscribe('acme', 'pro', '2026-01-01T00:00:00Z');
    await it.use('calls', 'a', '2026-01-31T22:59:59Z', '500'); // in January still, in Berlin
    await it.use('calls', 'a', '2026-01-31T23:00:00Z', '20.5', { media: 'video' });
    await it.use('calls', 'b', '2026-02-10T00:00:00Z', '40', { media: 'audio' });
    await it.use('calls', 'stranger', '2026-02-10T00:00:00Z', '99');
    const source = { subscription, plan: 'pro', version: 1 };
    const period = { from: '2026-01-31T23:00:00Z', to: '2026-02-28T23:00:00Z' };
    const metered = { type: 'metered', hasAccess: true, softLimit: false, period, resetsAt: period.to, value: null };
    const common = { source, sources: [source] };
    expect(await checks().all('acme', it.tenant)).toMatchObject({
      customer: 'acme',
      asOf: { cut: [4] },
      items: [
        { feature: 'calling', name: 'Calls', ...metered, ...common, limit: '100', used: '60.5', balance: '39.5', overage: '0' },
        { feature: 'sso', type: 'boolean', hasAccess: true, used: null, period: null, resetsAt: null, ...common },
        { feature: 'video', ...metered, ...common, limit: null, used: '20.5', balance: null, overage: '0' },
      ],
    });
  });

  test('is nothing without a subscription, and a customer or feature that does not exist is refused', async () => {
    await plan('pro', { calling: hundred });
    await it.customer('acme', ['a']);
    expect(await checks().all('acme', it.tenant)).toMatchObject({ items: [] });
    expect(await check()).toMatchObject({ feature: 'calling', hasAccess: false, type: null, source: null, sources: [] });
    await expect(check('none')).rejects.toMatchObject({ code: 'feature.unknown' });
    await expect(check('calling', 'nobody')).rejects.toMatchObject({ code: 'customer.unknown' });
  });

  test('adds up over subscriptions that reset together, and keeps the version each began with', async () => {
    await plan('pro', { calling: hundred });
    await plan('more', { calling: { type: 'metered', limit: '50', softLimit: true } });
    await it.customer('acme', ['a']);
    const first = await it.subscribe('acme', 'pro', '2026-02-01T00:00:00Z');
    const second = await it.subscribe('acme', 'more', '2026-02-05T00:00:00Z');
    const bigger = { rateCards: [], features: [{ feature: 'calling', entitlement: { ...hundred, limit: '1000' } }] };
    await catalogStores(database).plans.addVersion('pro', bigger, it.clock.nowMs(), it.tenant);
    await it.use('calls', 'a', '2026-02-02T00:00:00Z', '120');
    const answer = await check();
    expect(answer).toMatchObject({ limit: '150', used: '120', balance: '30', softLimit: true });
    expect(answer.sources).toEqual([
      { subscription: first, plan: 'pro', version: 1 },
      { subscription: second, plan: 'more', version: 1 },
    ]);
  });

  test('of periods of its own resets with them, and ends with the subscription', async () => {
    await plan('pro', { calling: { ...hundred, period: 'day' }, video: { ...hundred, period: 'week' } });
    await it.customer('acme', ['a']);
    const id = await it.subscribe('acme', 'pro', '2026-02-01T00:00:00Z');
    await it.use('calls', 'a', '2026-02-09T23:59:00Z', '30', { media: 'video' });
    await it.use('calls', 'a', '2026-02-10T10:00:00Z', '12');
    expect(await check('calling')).toMatchObject({ used: '12', resetsAt: '2026-02-11T00:00:00Z' });
    // 9 February 2026 is a Monday.
    expect(await check('video')).toMatchObject({ used: '30', resetsAt: '2026-02-16T00:00:00Z' });
    const endsAtMs = Date.parse('2026-02-12T00:00:00Z');
    const billedUntilMs = Date.parse('2026-02-13T00:00:00Z');
    await catalogStores(database).subscriptions.end(id, { endsAtMs, billedUntilMs, nowMs: it.clock.nowMs() }, it.tenant);
    await rate();
    it.clock.moveTo(billedUntilMs - 1000);
    expect(await check('video')).toMatchObject({ hasAccess: true, resetsAt: '2026-02-16T00:00:00Z' });
    it.clock.moveTo(billedUntilMs);
    expect(await check('video')).toMatchObject({ hasAccess: false, type: null });
  });
});

describe('balances', () => {
  beforeEach(async () => {
    await plan('pro', { calling: hundred });
    await it.customer('acme', ['a']);
    await it.subscribe('acme', 'pro', '2026-02-01T00:00:00Z');
    await rate();
  });
  const queries = async (work: () => Promise<unknown>) => {
    const before = it.usage.queries.length;
    await work();
    return it.usage.queries.length - before;
  };

  test('are there when usage is rated: a check asks neither usage nor the billing store', async () => {
    await it.use('calls', 'a', '2026-02-10T00:00:00Z', '100');
    await rate();
    const silent = { ...it.ports, accounts: { accounts: () => Promise.reject(new Error('asked')) } };
    expect(await entitlementChecks(silent).one('acme', 'calling', it.tenant)).toMatchObject({ hasAccess: false, used: '100' });
  });

  test('hold until their period ends, and are then worked out anew', async () => {
    await it.use('calls', 'a', '2026-02-10T00:00:00Z', '100');
    await rate();
    expect(await queries(() => check())).toBe(0);
    it.clock.moveTo(Date.parse('2026-03-01T00:00:00Z'));
    expect(await check()).toMatchObject({ hasAccess: true, used: '0', resetsAt: '2026-04-01T00:00:00Z' });
    expect(await queries(() => check())).toBe(0);
  });

  test('that are missing say nothing: the stores answer, once for all who ask at the same time', async () => {
    await it.use('calls', 'a', '2026-02-10T00:00:00Z', '99.5');
    const { one } = checks(nothing);
    expect(await one('acme', 'calling', it.tenant)).toMatchObject({ hasAccess: true, balance: '0.5' });
    expect(await it.ports.balances.clear(it.tenant)).toBe(1);
    const asking = checks();
    expect(await queries(() => Promise.all([1, 2, 3].map(() => asking.one('acme', 'calling', it.tenant))))).toBe(1);
  });

  test('of a customer that a subscription is made for or ended are new when that is rated', async () => {
    await plan('free', { calling: { type: 'metered', limit: '5' } });
    expect(await check()).toMatchObject({ limit: '100' });
    await it.subscribe('acme', 'free', '2026-02-01T00:00:00Z');
    await rate();
    expect(await check()).toMatchObject({ limit: '105' });
  });
});

describe('levels', () => {
  beforeEach(async () => {
    await plan('pro', { calling: hundred });
    await it.customer('acme', ['a']);
    await it.subscribe('acme', 'pro', '2026-02-01T00:00:00Z');
  });

  test('are told once a period, when usage just reaches them, with the figures of that moment', async () => {
    await it.use('calls', 'a', '2026-02-09T00:00:00Z', '79.999');
    expect(await rate()).toEqual([]);
    await it.use('calls', 'a', '2026-02-09T00:00:00Z', '0.001');
    expect(levels(await rate())).toEqual(['calling 80% of 100 at 80']);
    await it.use('calls', 'a', '2026-02-09T00:00:00Z', '10');
    expect(await rate()).toEqual([]);
    await it.use('calls', 'a', '2026-02-09T00:00:00Z', '30');
    expect(levels(await rate())).toEqual(['calling 100% of 100 at 120']);
    it.clock.moveTo(Date.parse('2026-03-02T00:00:00Z'));
    await it.use('calls', 'a', '2026-03-01T00:00:00Z', '200');
    expect(levels(await rate())).toEqual(['calling 80% of 100 at 200', 'calling 100% of 100 at 200']);
    const messages = await it.messages('entitlement.threshold_reached');
    expect(messages).toHaveLength(4);
    expect(messages).toContainEqual(
      expect.objectContaining({
        ...{ customer: 'acme', feature: 'calling', percent: 100, limit: '100', used: '120', balance: '0', overage: '20' },
        hasAccess: false,
        sources: [{ subscription: expect.any(String), plan: 'pro', version: 1 }],
        period: { from: '2026-02-01T00:00:00Z', to: '2026-03-01T00:00:00Z' },
        asOf: { cut: [4], at: expect.stringMatching(/^2026-02-10T12:0/) },
      }),
    );
  });

  test('exist once, however many workers come to them at the same time, or are killed before they are kept', async () => {
    await it.use('calls', 'a', '2026-02-09T00:00:00Z', '150');
    const wakeups = await it.waiting();
    const dying = { ...it.ports.wakeups, conclude: () => Promise.reject(new Error('killed')) };
    await expect(evaluateWakeups({ ...it.ports, wakeups: dying }, it.tenant, wakeups)).rejects.toThrow('killed');
    // The cache is ahead of what is told, and rows that were not concluded are evaluated again.
    expect(await check()).toMatchObject({ hasAccess: false });
    const fired = await Promise.all([1, 2, 3].map(() => evaluateWakeups(it.ports, it.tenant, wakeups)));
    expect(fired.flat()).toHaveLength(2);
    expect(await it.messages('entitlement.threshold_reached')).toHaveLength(2);
    expect(await it.waiting()).toEqual([]);
  });

  test('of another limit in the same period are levels of their own', async () => {
    await it.use('calls', 'a', '2026-02-09T00:00:00Z', '85');
    expect(levels(await rate())).toEqual(['calling 80% of 100 at 85']);
    await plan('more', { calling: { type: 'metered', limit: '100' } });
    await it.subscribe('acme', 'more', '2026-02-10T00:00:00Z');
    expect(await rate()).toEqual([]);
    await it.use('calls', 'a', '2026-02-09T00:00:00Z', '75');
    expect(levels(await rate())).toEqual(['calling 80% of 200 at 160']);
  });

  test('reached in the last moment of a period are told although it has turned, and long after it nobody is told', async () => {
    await it.use('calls', 'a', '2026-02-28T23:59:00Z', '90');
    it.clock.moveTo(Date.parse('2026-03-01T00:00:01Z'));
    expect(levels(await rate())).toEqual(['calling 80% of 100 at 90']);
    expect(await check()).toMatchObject({ used: '0' });
    await it.use('calls', 'a', '2026-02-28T23:59:00Z', '10');
    it.clock.moveTo(Date.parse('2026-03-01T02:00:00Z'));
    expect(await rate()).toEqual([]);
  });

  test('are not looked for in a tenant without features, which costs no reading of accounts', async () => {
    await database.query('delete from feature where tenant = $1', [it.tenant]);
    await it.use('calls', 'a', '2026-02-09T00:00:00Z', '150');
    expect(await rate()).toEqual([]);
    expect(it.usage.queries).toEqual([]);
  });
});
