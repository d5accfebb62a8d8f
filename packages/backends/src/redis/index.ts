export { openRedisRateLimiter, type RedisRateLimiter, type RedisRateLimiterOptions } from './rate-limits.ts';
export { openRedisQueue, type RedisQueue, type RedisQueueOptions } from './open-redis-queue.ts';
