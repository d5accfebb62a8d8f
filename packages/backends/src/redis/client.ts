import { Redis, type RedisOptions } from 'ioredis';
import { Fault } from '@meterline/domain/faults';

type ClientOptions = Pick<RedisOptions, 'maxRetriesPerRequest' | 'commandTimeout' | 'enableOfflineQueue'>;

const CONNECT_TIMEOUT_MS = 5000;
const RECONNECT_MS_MAX = 2000;
/** Below the limit of health probes, so that they get the reason. */
const TROUBLE_TIMEOUT_MS = 1500;

export function redisUnreachable(cause: unknown): Fault {
  return new Fault('unavailable', 'redis.unreachable', 'Redis cannot be reached.', { retryAfterSeconds: 1, cause });
}

/** A connection that comes back by itself for ever. Fails with `redis.unreachable` if it cannot be opened now. */
export async function connectRedis(url: string, options: ClientOptions, onError: (error: Error) => void): Promise<Redis> {
  const always = { lazyConnect: true, connectTimeout: CONNECT_TIMEOUT_MS } as const;
  const retryStrategy = (attempts: number): number => Math.min(attempts * 100, RECONNECT_MS_MAX);
  const client = new Redis(url, { ...always, retryStrategy, ...options });
  const first = Promise.withResolvers<never>();
  client.once('error', first.reject);
  client.on('error', onError);
  try {
    // `connect` alone would go on trying.
    await Promise.race([client.connect(), first.promise]);
    return client;
  } catch (error) {
    client.disconnect();
    throw redisUnreachable(error);
  } finally {
    first.promise.catch(() => undefined);
    client.off('error', first.reject);
  }
}

/** Why it cannot be worked with now, or undefined. Answers within 1.5 s. */
export async function redisTrouble(client: Redis): Promise<string | undefined> {
  try {
    await within(TROUBLE_TIMEOUT_MS, client.ping());
    return undefined;
  } catch (error) {
    return `Redis does not answer: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Rejects if `work` takes longer; it goes on then, and nobody hears what becomes of it. */
export async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${limitMs} ms`)), limitMs);
  // once it is late, its own failure concerns nobody
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
