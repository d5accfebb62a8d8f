import { catalogStores } from '@meterline/backends/postgres';
import { openRedisBalanceStore } from '@meterline/backends/redis';
import { evaluateWakeups } from '@meterline/pipeline/alerts';
import { entitlementChecks } from '@meterline/pipeline/entitlements';
import { afterAll, afterEach, expect, test } from 'vitest';
import { freshDatabase, onEngines, onOwnRedis } from '../engines/index.ts';
import { openRatingFixture } from '../support/rating.ts';

await onEngines('entitlements without Redis', ['postgres'], async ({ postgres }) => {
  const fresh = await freshDatabase(postgres);
  afterAll(() => fresh.drop());
  const stops: (() => unknown)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0).toReversed()) await stop();
  });

  /** A customer that may use 100, rated by one process and asked about in another. */
  async function open(url: string) {
    const it = await openRatingFixture(await fresh.open(), '2026-02-10T12:00:00Z');
    const { features, plans } = catalogStores(it.database);
    const nowMs = it.clock.nowMs();
    await it.meter('calls');
    await features.insert({ key: 'calling', name: 'Calls', meter: 'calls', filter: {} }, nowMs, it.tenant);
    const allowed = [{ feature: 'calling', entitlement: { type: 'metered', limit: '100' } } as const];
    const billingPeriod = { every: 'month', anchor: 'calendar' } as const;
    await plans.insert(
      { key: 'pro', name: 'Pro', currency: 'USD', billingPeriod, rateCards: [], features: allowed },
      nowMs,
      it.tenant,
    );
    await it.customer('acme', ['a']);
    await it.subscribe('acme', 'pro', '2026-02-01T00:00:00Z');
    const connect = async () => {
      const store = await openRedisBalanceStore({ url, prefix: it.tenant, onError: () => undefined });
      stops.push(store.close);
      return store;
    };
    const [worker, api] = await Promise.all([connect(), connect()]);
    const asking = entitlementChecks({ ...it.ports, balances: api });
    return {
      it,
      use: async (quantity: string) => {
        await it.use('calls', 'a', '2026-02-10T00:00:00Z', quantity);
        return evaluateWakeups({ ...it.ports, balances: worker }, it.tenant, await it.waiting());
      },
      check: () => asking.one('acme', 'calling', it.tenant),
      async queries(work: () => Promise<unknown>) {
        const before = it.usage.queries.length;
        await work();
        return it.usage.queries.length - before;
      },
    };
  }

  await onOwnRedis('entitlements and Redis', (startRedis) => {
    test('what one process rates another answers from Redis; killed, emptied or frozen, the answer is the same, from the stores', async () => {
      const redis = await startRedis();
      stops.push(redis.stop);
      const { it, use, check, queries } = await open(redis.address.url);
      await use('60');
      expect(await queries(async () => expect(await check()).toMatchObject({ hasAccess: true, balance: '40' }))).toBe(0);

      await redis.kill();
      expect(await check()).toMatchObject({ hasAccess: true, balance: '40' });
      // Rating goes on as well: the limit is told of, and no row is left behind.
      expect(await use('40')).toMatchObject([{ percent: 100, used: '100', hasAccess: false }]);
      expect(await it.waiting()).toEqual([]);
      expect(await check()).toMatchObject({ hasAccess: false, balance: '0' });

      await redis.start();
      expect(await check()).toMatchObject({ hasAccess: false });
      await expect.poll(() => queries(check), { timeout: 10_000 }).toBe(0);
      await use('5.5');
      await expect.poll(check, { timeout: 10_000 }).toMatchObject({ used: '105.5' });

      redis.pause();
      await use('1');
      expect(await check()).toMatchObject({ hasAccess: false, used: '106.5' });
      redis.resume();
      // What Redis kept from before the pause is forgotten as soon as its writer reaches it again, and then kept anew.
      const answered = async () => {
        let used: unknown;
        const asked = await queries(async () => ({ used } = await check()));
        return { used, asked };
      };
      await expect.poll(answered, { timeout: 10_000 }).toEqual({ used: '106.5', asked: 0 });
    });
  });
});
