import { memoryBalanceStore } from '@meterline/backends/memory';
import { openRedisBalanceStore } from '@meterline/backends/redis';
import type { BalanceStore } from '@meterline/pipeline/ports';
import type { Opening } from './opening.ts';

/**
 * Opens where balances of entitlements are kept: in Redis where processes share one, else in this process. While Redis is away checks read the stores,
 * so it is no reason to be unready. Fails with `redis.unreachable` at the start.
 */
export async function openBalances({ settings, logger, onStop }: Opening): Promise<BalanceStore> {
  if (settings.engines.jobs !== 'redis') return memoryBalanceStore();
  const balances = await openRedisBalanceStore({
    ...settings.redis,
    onError: (error) => logger.warn({ err: error }, 'no answer from Redis: entitlements are worked out from the stores'),
  });
  onStop('balances', balances.close);
  return balances;
}
