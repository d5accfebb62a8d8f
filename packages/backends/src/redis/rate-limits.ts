import type { Redis } from 'ioredis';
import type { IngestRates, RateDecision, RateLimiter } from '@meterline/pipeline/ports';
import type { OnJobError } from '../bullmq/job-queue.ts';
import { connectRedis, redisTrouble, within } from './client.ts';
import { quietened } from './quietened.ts';

export interface RedisRateLimiterOptions {
  readonly url: string;
  /** In front of every key. */
  readonly prefix: string;
  readonly rates: IngestRates;
  /** Decides while Redis is away: each process then grants the whole rate by itself. */
  readonly fallback: RateLimiter;
  readonly onError: (error: Error) => void;
  /** How long a request waits for Redis before the fallback decides. Default 100 ms. */
  readonly timeoutMs?: number;
}

export interface RedisRateLimiter extends RateLimiter {
  /** Why the counters cannot be shared now, or undefined. No reason to stop taking events. */
  trouble(): Promise<string | undefined>;
  close(): void;
}

/** After Redis did not answer in time, this long nobody waits for it. */
const REST_MS = 1000;

/**
 * Two buckets in one hash: what is left of each, and when it was counted, by the time of Redis. ARGV: rate and count of events, then of
 * bytes; a rate of 0 is no limit. Answers how many milliseconds to wait, 0 if taken. A key goes away once its buckets are full again.
 */
const SPEND = `
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local kept = redis.call('HMGET', KEYS[1], 'at', 'events', 'bytes')
local passedMs = math.max(0, nowMs - (tonumber(kept[1]) or nowMs))
local waitMs, fullMs = 0, 0
local left = {}
for bucket = 1, 2 do
  local rate = tonumber(ARGV[bucket * 2 - 1])
  left[bucket] = math.min(rate, (tonumber(kept[bucket + 1]) or rate) + passedMs * rate / 1000)
  if rate > 0 and left[bucket] <= 0 then waitMs = math.max(waitMs, math.ceil((1 - left[bucket]) * 1000 / rate)) end
end
if waitMs > 0 then return waitMs end
for bucket = 1, 2 do
  local rate = tonumber(ARGV[bucket * 2 - 1])
  if rate > 0 then
    left[bucket] = left[bucket] - tonumber(ARGV[bucket * 2])
    fullMs = math.max(fullMs, math.ceil((rate - left[bucket]) * 1000 / rate))
  end
end
redis.call('HSET', KEYS[1], 'at', string.format('%.0f', nowMs),
  'events', string.format('%.6f', left[1]), 'bytes', string.format('%.6f', left[2]))
redis.call('PEXPIRE', KEYS[1], fullMs + 1000)
return 0`;

interface SpendCommand {
  spendRate(key: string, ...rates: number[]): Promise<number>;
}

/** One rate for each tenant, counted together by every process on the same Redis. Fails with `redis.unreachable` at the start. */
export async function openRedisRateLimiter(options: RedisRateLimiterOptions): Promise<RedisRateLimiter> {
  const { url, prefix, rates, fallback, timeoutMs = 100 } = options;
  const onError: OnJobError = quietened((error) => options.onError(error));
  // Nothing is kept for later: a request cannot wait for Redis to come back.
  const client = await connectRedis(url, { enableOfflineQueue: false, maxRetriesPerRequest: 0 }, onError);
  client.defineCommand('spendRate', { numberOfKeys: 1, lua: SPEND });
  const command = client as Redis & SpendCommand;
  let restUntilMs = 0;

  async function shared(tenant: string, events: number, bytes: number): Promise<RateDecision> {
    const { eventsPerSecond, bytesPerSecond } = rates;
    const asked = command.spendRate(`${prefix}:rate:${tenant}`, eventsPerSecond, events, bytesPerSecond, bytes);
    return { waitMs: await within(timeoutMs, asked), scope: 'shared' };
  }

  return {
    async spend(tenant, events, bytes) {
      if (client.status !== 'ready' || performance.now() < restUntilMs) return fallback.spend(tenant, events, bytes);
      try {
        return await shared(tenant, events, bytes);
      } catch (error) {
        restUntilMs = performance.now() + REST_MS;
        onError(error instanceof Error ? error : new Error(String(error)));
        return fallback.spend(tenant, events, bytes);
      }
    },
    trouble: () => redisTrouble(client),
    close: () => client.disconnect(),
  };
}
