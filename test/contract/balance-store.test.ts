import { memoryBalanceStore } from '@meterline/backends/memory';
import { openRedisBalanceStore, type RedisBalanceStore } from '@meterline/backends/redis';
import { afterEach, expect, test } from 'vitest';
import { freshPrefix, onEngines, onOwnRedis } from '../engines/index.ts';
import { balanceStoreContract } from './balance-store.contract.ts';

balanceStoreContract('memory', async () => {
  const store = memoryBalanceStore();
  return { one: store, other: store, close: () => undefined };
});

test('memory holds so many customers at most: the ones written longest ago make room', async () => {
  const store = memoryBalanceStore({ entriesMax: 2 });
  const keep = (customer: string) => store.keep(async () => ({ entries: new Map([[customer, customer]]) }), [customer], 't');
  for (const customer of ['a', 'b', 'a', 'c']) await keep(customer);
  expect([await store.read('a', 't'), await store.read('b', 't'), await store.read('c', 't')]).toEqual(['a', undefined, 'c']);
});

const open = (url: string, prefix: string, options: { keptForMs?: number } = {}) =>
  openRedisBalanceStore({ url, prefix, onError: () => undefined, ...options });

await onEngines('balances in Redis', ['redis'], ({ redis }) => {
  balanceStoreContract('Redis', async () => {
    const { prefix, clear } = freshPrefix(redis);
    const [one, other] = await Promise.all([open(redis.url, prefix), open(redis.url, prefix)]);
    return {
      one,
      other,
      async close() {
        one.close();
        other.close();
        await clear();
      },
    };
  });

  test('what nobody works out again goes away', async () => {
    const { prefix, clear } = freshPrefix(redis);
    const store = await open(redis.url, prefix, { keptForMs: 50 });
    await store.keep(async () => ({ entries: new Map([['acme', 'x']]) }), ['acme'], 't');
    await expect.poll(() => store.read('acme', 't')).toBeUndefined();
    store.close();
    await clear();
  });

  test('an emptied Redis keeps again at once', async () => {
    const { prefix, clear } = freshPrefix(redis);
    const store = await open(redis.url, prefix);
    const keep = (text: string) => store.keep(async () => ({ entries: new Map([['acme', text]]) }), ['acme'], 't');
    await keep('before');
    await clear();
    expect(await store.read('acme', 't')).toBeUndefined();
    await keep('after');
    expect(await store.read('acme', 't')).toBe('after');
    store.close();
    await clear();
  });
});

await onOwnRedis('balances in a Redis that comes and goes', (startRedis) => {
  const stores: RedisBalanceStore[] = [];
  afterEach(() => stores.splice(0).forEach((store) => store.close()));

  test('frozen, it delays no check and no work, and what changed meanwhile is not read as it was before', async () => {
    const redis = await startRedis();
    try {
      const writer = await open(redis.address.url, 'own');
      const reader = await open(redis.address.url, 'own');
      stores.push(writer, reader);
      const keep = (text: string) => writer.keep(async () => ({ entries: new Map([['acme', text]]), text }), ['acme'], 't');
      await keep('below the limit');
      redis.pause();
      const beganMs = performance.now();
      expect(await keep('at the limit')).toMatchObject({ text: 'at the limit' });
      for (let count = 0; count < 20; count += 1) expect(await reader.read('acme', 't')).toBeUndefined();
      // the first of each waits for its answer, and the others for none
      expect(performance.now() - beganMs).toBeLessThan(1000);
      redis.resume();
      await expect.poll(() => writer.read('acme', 't'), { timeout: 10_000 }).toBeUndefined();
      await expect.poll(() => keep('again').then(() => reader.read('acme', 't')), { timeout: 10_000 }).toBe('again');
    } finally {
      await redis.stop();
    }
  });

  test('killed, works and checks go on without it, and it is used again when it is back', async () => {
    const redis = await startRedis();
    try {
      const store = await open(redis.address.url, 'own');
      stores.push(store);
      const keep = (text: string) => store.keep(async () => ({ entries: new Map([['acme', text]]), text }), ['acme'], 't');
      await keep('before');
      await redis.kill();
      expect(await keep('meanwhile')).toMatchObject({ text: 'meanwhile' });
      expect(await store.read('acme', 't')).toBeUndefined();
      await expect(store.clear('t')).rejects.toMatchObject({ code: 'redis.unreachable' });
      await redis.start();
      await expect.poll(() => keep('after').then(() => store.read('acme', 't')), { timeout: 10_000 }).toBe('after');
    } finally {
      await redis.stop();
    }
  });
});
