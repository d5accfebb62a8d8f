import { setTimeout as sleep } from 'node:timers/promises';
import { Queue, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { Fault } from '@meterline/domain/faults';
import type { JobQueue } from '@meterline/pipeline/ports';
import { bullmqJobQueue, STALLED_COUNT_MAX, type OnJobError } from '../bullmq/job-queue.ts';
import { connectRedis, redisTrouble, redisUnreachable, within } from './client.ts';
import { quietened } from './quietened.ts';

export interface RedisQueueOptions {
  /** `redis://` or `rediss://`. */
  readonly url: string;
  /** In front of every key. */
  readonly prefix: string;
  /** Also hears of the connection: at most one error of a kind in 10 s while it is away. */
  readonly onError: OnJobError;
  /** How long enqueueing and counting wait for Redis before they reject with `redis.unreachable`. Default 5,000 ms. */
  readonly timeoutMs?: number;
  /** A job whose worker has been silent for this long runs again elsewhere. Default 10,000 ms. */
  readonly lockMs?: number;
}

export interface RedisQueue extends JobQueue {
  /** Why Redis cannot be worked with now, or undefined. */
  trouble(): Promise<string | undefined>;
}

/** How long `close` waits, after the last handler, for Redis to take note. */
const CLOSE_GRACE_MS = 5000;

/**
 * Jobs on BullMQ in Redis. It may lose all of it: whoever enqueues must be able to do so again from the billing store. Fails with
 * `redis.unreachable` at the start; later the workers wait for Redis to come back, and `enqueue` rejects in time, never in silence
 * (the job may be there all the same). `close` waits for active handlers; without Redis their jobs will run again.
 */
export async function openRedisQueue(options: RedisQueueOptions): Promise<RedisQueue> {
  const { url, prefix, timeoutMs = 5000, lockMs = 10_000 } = options;
  const onError = quietened(options.onError);
  const commands = await connectRedis(url, { maxRetriesPerRequest: 1 }, onError);
  // A worker's commands wait out an outage: what it did must be told in the end.
  const work = await connectRedis(url, { maxRetriesPerRequest: null }, onError);
  const copies = copiesOf(work);
  let closed: Promise<void> | undefined;
  const active = new Set<Promise<void>>();

  const jobs = bullmqJobQueue({
    onError,
    queue: (name) => new Queue(name, { connection: commands, prefix, skipVersionCheck: true }),
    worker(name, processor, concurrency) {
      const tracked = async (job: Parameters<typeof processor>[0]): Promise<void> => {
        const running = processor(job);
        const ended = running.catch(() => undefined);
        active.add(ended);
        await running.finally(() => active.delete(ended));
      };
      return new Worker(name, tracked, {
        connection: work,
        prefix,
        concurrency,
        maxStalledCount: STALLED_COUNT_MAX,
        lockDuration: lockMs,
        stalledInterval: lockMs / 2,
        skipVersionCheck: true,
      });
    },
  });

  async function bounded<T>(asked: Promise<T>): Promise<T> {
    try {
      return await within(timeoutMs, asked);
    } catch (error) {
      throw error instanceof Fault ? error : redisUnreachable(error);
    }
  }

  return {
    ...jobs,
    async enqueue(name, data, jobOptions) {
      try {
        await bounded(jobs.enqueue(name, data, jobOptions));
      } catch (error) {
        if (error instanceof Fault && error.kind === 'unavailable') onError(error);
        throw error;
      }
    },
    counts: (name) => bounded(jobs.counts(name)),
    trouble: () => redisTrouble(commands),
    close: () => (closed ??= close()),
  };

  async function close(): Promise<void> {
    const closing = jobs.close();
    const handlersEnded = async (): Promise<void> => {
      // what was fetched just before the close may begin yet
      while (active.size > 0) await Promise.all(active);
    };
    const gaveUp = handlersEnded().then(() => sleep(CLOSE_GRACE_MS, 'late' as const, { ref: false }));
    if ((await Promise.race([closing, gaveUp])) === 'late') {
      // BullMQ waits for Redis for ever; what it was about to say will be found out when the job's lock runs out.
      closing.catch(onError);
    }
    for (const client of [commands, work, ...copies]) client.disconnect();
  }
}

/** BullMQ copies the connection for each worker's blocking wait, and says goodbye to the copy only while Redis listens. */
function copiesOf(client: Redis): readonly Redis[] {
  const copies: Redis[] = [];
  const duplicate = client.duplicate.bind(client);
  client.duplicate = (override) => {
    const copy = duplicate(override);
    copies.push(copy);
    return copy;
  };
  return copies;
}
