import { openRedisRateLimiter } from '@meterline/backends/redis';
import type { IngestRates, RateLimiter } from '@meterline/pipeline/ports';
import type { Opening } from './opening.ts';

/**
 * Opens the rate limits of tenants that all ingest processes count together in Redis. While Redis is away `alone` decides, so it is no reason to be
 * unready; `ingest_rate_decisions_total{scope="local"}` shows it. Fails with `redis.unreachable` at the start.
 */
export async function openSharedRates(
  { settings, logger, onStop }: Opening,
  rates: IngestRates,
  alone: RateLimiter,
): Promise<RateLimiter> {
  const limiter = await openRedisRateLimiter({
    ...settings.redis,
    rates,
    fallback: alone,
    onError: (error) => logger.warn({ err: error }, 'no answer from Redis: this process holds tenants to their rates alone'),
  });
  onStop('rate limits', limiter.close);
  return limiter;
}
