export { openRedisBalanceStore, type RedisBalanceStore, type RedisBalanceStoreOptions } from './balances.ts';
export { openRedisRateLimiter, type RedisRateLimiter, type RedisRateLimiterOptions } from './rate-limits.ts';
export { openRedisQueue, type RedisQueue, type RedisQueueOptions } from './open-redis-queue.ts';
