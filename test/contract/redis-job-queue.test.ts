import path from 'node:path';
import { afterAll, afterEach, expect, onTestFinished, test } from 'vitest';
import { openRedisQueue, type RedisQueue } from '@meterline/backends/redis';
import { freshPrefix, onEngines, onOwnRedis } from '../engines/index.ts';
import { startScript } from '../support/child-process.ts';
import { jobQueueContract } from './job-queue.contract.ts';

await onEngines('BullMQ on Redis as JobQueue', ['redis'], ({ redis }) => {
  const fresh = freshPrefix(redis);
  afterAll(() => fresh.clear());

  jobQueueContract('BullMQ on Redis', async () => {
    const opened: RedisQueue[] = [];
    const open = async () => {
      const onError = (error: Error) => expect(error.message).toBe('not yet');
      const jobs = await openRedisQueue({ ...redis, ...fresh, onError });
      opened.push(jobs);
      return jobs;
    };
    return { jobs: await open(), reopen: open, close: async () => opened.at(-1)?.close() };
  });

  test('a job cut off by SIGKILL, any number of times, runs again elsewhere', async () => {
    const options = { ...redis, prefix: fresh.prefix, lockMs: 1000 };
    for (let round = 1; round <= 2; round += 1) {
      const script = path.join(import.meta.dirname, 'child/redis-job-worker.ts');
      const worker = startScript(script, [options.url, options.prefix, String(options.lockMs)]);
      onTestFinished(() => worker.kill());
      const { value } = await worker.lines.next();
      expect(JSON.parse(String(value))).toMatchObject({ customer: 'acme' });
      await worker.kill();
    }
    const jobs = await openRedisQueue({ ...options, onError: () => undefined });
    onTestFinished(() => jobs.close());
    const ran = Promise.withResolvers<string>();
    await jobs.process('cut-off', async (_, job) => ran.resolve(job.id));
    expect(await ran.promise).toBe('rate-acme');
  });

  test('two processes that work on a queue share its jobs, each taken once', async () => {
    const open = () => openRedisQueue({ ...redis, prefix: fresh.prefix, onError: () => undefined });
    const queues = await Promise.all([open(), open()]);
    onTestFinished(async () => {
      await Promise.all(queues.map((jobs) => jobs.close()));
    });
    const taken: string[] = [];
    const done = Promise.withResolvers<void>();
    for (let id = 0; id < 40; id += 1) await queues[0].enqueue('shared', {}, { jobId: String(id) });
    for (const jobs of queues) {
      await jobs.process('shared', async (_, { id }) => {
        if (taken.push(id) === 40) done.resolve();
      });
    }
    await done.promise;
    expect(new Set(taken).size).toBe(40);
  });

  test('a Redis that is not there is an error at the start', async () => {
    const opening = openRedisQueue({ url: 'redis://127.0.0.1:9', prefix: 'none', onError: () => undefined });
    await expect(opening).rejects.toMatchObject({ code: 'redis.unreachable' });
  });
});

await onOwnRedis('BullMQ on a Redis that comes and goes', (startRedis) => {
  const stops: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0).toReversed()) await stop();
  });

  async function openOwn() {
    const redis = await startRedis();
    stops.push(redis.stop);
    const errors: Error[] = [];
    const jobs = await openRedisQueue({
      ...redis.address,
      prefix: 'own',
      timeoutMs: 1000,
      lockMs: 1000,
      onError: (error) => errors.push(error),
    });
    stops.push(jobs.close);
    return { redis, jobs, errors };
  }

  test('is said to be away, refuses jobs in time, and works again when Redis is back, empty', async () => {
    const { redis, jobs, errors } = await openOwn();
    const ran: string[] = [];
    await jobs.process('work', async (_, { id }) => void ran.push(id));
    await jobs.enqueue('work', {}, { jobId: 'before' });
    await expect.poll(() => ran).toEqual(['before']);
    expect(await jobs.trouble()).toBeUndefined();

    await redis.kill();
    const beganMs = performance.now();
    await expect(jobs.enqueue('work', {}, { jobId: 'during' })).rejects.toMatchObject({ code: 'redis.unreachable' });
    await expect(jobs.enqueue('first-used-now', {}, { jobId: 'during' })).rejects.toMatchObject({ code: 'redis.unreachable' });
    await expect(jobs.counts('work')).rejects.toMatchObject({ code: 'redis.unreachable' });
    expect(performance.now() - beganMs).toBeLessThan(5000);
    expect(await jobs.trouble()).toContain('Redis does not answer');
    expect(errors.length).toBeGreaterThan(0);

    await redis.start();
    await expect.poll(() => jobs.trouble(), { timeout: 10_000 }).toBeUndefined();
    await jobs.enqueue('work', {}, { jobId: 'after' });
    await expect.poll(() => ran.at(-1), { timeout: 20_000 }).toBe('after');
  });

  test('a frozen Redis refuses jobs in time too', async () => {
    const { redis, jobs } = await openOwn();
    await jobs.enqueue('work', {}, { jobId: 'before' });
    redis.pause();
    await expect(jobs.enqueue('work', {}, { jobId: 'during' })).rejects.toMatchObject({ code: 'redis.unreachable' });
    expect(await jobs.trouble()).toContain('Redis does not answer');
    redis.resume();
    await expect.poll(() => jobs.trouble(), { timeout: 10_000 }).toBeUndefined();
    await jobs.enqueue('work', {}, { jobId: 'after' });
  });

  test('close waits for the active handler, and ends though Redis is gone', async () => {
    const { redis, jobs } = await openOwn();
    const started = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    let finished = false;
    await jobs.process('work', async () => {
      started.resolve();
      await release.promise;
      finished = true;
    });
    await jobs.enqueue('work', {}, { jobId: 'a' });
    await started.promise;
    await redis.kill();
    const closing = jobs.close();
    release.resolve();
    await closing;
    expect(finished).toBe(true);
  });
});
