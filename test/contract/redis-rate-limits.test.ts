import { afterAll, afterEach, expect, test } from 'vitest';
import { openRedisRateLimiter, type RedisRateLimiter } from '@meterline/backends/redis';
import { localRateLimiter } from '@meterline/ingest';
import type { IngestRates } from '@meterline/pipeline/ports';
import { systemClock } from '@meterline/runtime/clock';
import { freshPrefix, onEngines, onOwnRedis } from '../engines/index.ts';

const opened: RedisRateLimiter[] = [];
afterEach(() => {
  for (const limiter of opened.splice(0)) limiter.close();
});

async function open(url: string, prefix: string, rates: IngestRates, timeoutMs = 2000): Promise<RedisRateLimiter> {
  const fallback = localRateLimiter(rates, systemClock());
  const limiter = await openRedisRateLimiter({ url, prefix, rates, fallback, timeoutMs, onError: () => undefined });
  opened.push(limiter);
  return limiter;
}

await onEngines('ingest rates shared through Redis', ['redis'], ({ redis }) => {
  const fresh = freshPrefix(redis);
  afterAll(() => fresh.clear());

  test('processes together grant a tenant its rate, not each of them', async () => {
    const rates = { eventsPerSecond: 50, bytesPerSecond: 0 };
    const processes = await Promise.all([1, 2, 3].map(() => open(redis.url, fresh.prefix, rates)));
    const beganMs = performance.now();
    const decisions = await Promise.all(
      Array.from({ length: 300 }, async (_, index) => processes[index % 3]?.spend('shared', 1, 100)),
    );
    const seconds = (performance.now() - beganMs) / 1000;
    expect(new Set(decisions.map((decision) => decision?.scope))).toEqual(new Set(['shared']));
    const granted = decisions.filter((decision) => decision?.waitMs === 0).length;
    expect(granted).toBeGreaterThanOrEqual(50);
    expect(granted).toBeLessThanOrEqual(51 + 50 * seconds);
  });

  test('a large request passes once and is paid for by waiting; events and bytes count each for themselves', async () => {
    const limiter = await open(redis.url, fresh.prefix, { eventsPerSecond: 10, bytesPerSecond: 1000 });
    expect(await limiter.spend('large', 100, 10)).toEqual({ waitMs: 0, scope: 'shared' });
    const { waitMs } = await limiter.spend('large', 1, 1);
    expect(waitMs).toBeGreaterThan(8000);
    expect(waitMs).toBeLessThanOrEqual(9100);
    expect(await limiter.spend('bytes', 1, 3000)).toMatchObject({ waitMs: 0 });
    expect((await limiter.spend('bytes', 1, 1)).waitMs).toBeGreaterThan(1500);
    expect(await limiter.spend('another', 1, 1)).toMatchObject({ waitMs: 0 });
  });

  test('what was waited for is granted', async () => {
    const limiter = await open(redis.url, fresh.prefix, { eventsPerSecond: 20, bytesPerSecond: 0 });
    await limiter.spend('patient', 22, 0);
    const { waitMs } = await limiter.spend('patient', 1, 0);
    expect(waitMs).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, waitMs + 5));
    expect(await limiter.spend('patient', 1, 0)).toMatchObject({ waitMs: 0 });
  });

  test('without limits nobody waits', async () => {
    const limiter = await open(redis.url, fresh.prefix, { eventsPerSecond: 0, bytesPerSecond: 0 });
    for (let count = 0; count < 20; count += 1)
      expect(await limiter.spend('free', 1e6, 1e9)).toEqual({ waitMs: 0, scope: 'shared' });
  });
});

await onOwnRedis('ingest rates on a Redis that comes and goes', (startRedis) => {
  test('without Redis, killed or frozen, the process counts alone at once, and together again when it is back', async () => {
    const redis = await startRedis();
    try {
      const rates = { eventsPerSecond: 5, bytesPerSecond: 0 };
      const limiter = await open(redis.address.url, 'own', rates, 100);
      expect(await limiter.spend('t', 5, 0)).toEqual({ waitMs: 0, scope: 'shared' });

      redis.pause();
      const beganMs = performance.now();
      expect(await limiter.spend('t', 5, 0)).toEqual({ waitMs: 0, scope: 'local' });
      expect(await limiter.spend('t', 5, 0)).toMatchObject({ scope: 'local', waitMs: expect.any(Number) });
      // only the first waited for it
      expect(performance.now() - beganMs).toBeLessThan(400);
      redis.resume();
      await expect.poll(async () => (await limiter.spend('u', 0, 0)).scope, { timeout: 10_000 }).toBe('shared');

      await redis.kill();
      await expect.poll(async () => (await limiter.spend('v', 0, 0)).scope, { timeout: 10_000 }).toBe('local');
      expect(await limiter.trouble()).toContain('Redis does not answer');
      await redis.start();
      await expect.poll(async () => (await limiter.spend('u', 0, 0)).scope, { timeout: 10_000 }).toBe('shared');
    } finally {
      await redis.stop();
    }
  });
});
