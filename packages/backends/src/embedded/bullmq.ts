import { createPostgresBackend, runMigrations, withBackend, type PgPool, type Queue, type Worker } from 'bullmq';
import { Fault } from '@meterline/domain/faults';
import type { JobHandle, JobOptions, JobQueue } from '@meterline/pipeline/ports';
import type { EmbeddedPostgres } from './pglite.ts';
import { createPool } from './pglite/pool.ts';

const SCHEMA = 'bullmq';
const ATTEMPTS_MAX_DEFAULT = 5;
const BACKOFF_MS_DEFAULT = 1000;
/** A crash is no fault of the job: it may happen to it any number of times. */
const STALLED_COUNT_MAX = 1_000_000;
/** How long an idle worker waits before it looks by itself; new and due jobs wake it at once. */
const IDLE_LOOK_SECONDS = 30;
const FAILED_JOBS_KEPT = 1000;

/**
 * Jobs on BullMQ, kept in schema `bullmq` of the embedded billing store. As that belongs to this process alone, a job found active was
 * cut off by a crash, and is run again as soon as its queue is processed.
 * `onError` hears of every failed attempt and of BullMQ's own failures. Close the queue before the database.
 */
export async function openBullmqQueue(options: {
  database: EmbeddedPostgres;
  onError: (error: Error, job?: { queue: string; id: string; attempt: number }) => void;
}): Promise<JobQueue> {
  const pool = createPool(options.database);
  const client = await pool.connect();
  try {
    await runMigrations(client, SCHEMA);
  } finally {
    client.release();
  }
  await options.database.exec(`
    update ${SCHEMA}.job set stalled_marked = true, locked_until_ms = 0 where state = 'active';
    delete from ${SCHEMA}.meta where field = 'stalled-check'`);
  return createQueue(pool, options.onError);
}

function createQueue(
  pool: PgPool,
  onError: (error: Error, job?: { queue: string; id: string; attempt: number }) => void,
): JobQueue {
  const bullmq = withBackend(createPostgresBackend);
  const queues = new Map<string, Queue>();
  const workers: Worker[] = [];
  const connection = pool;

  const queueNamed = (name: string): Queue => {
    const known = queues.get(name);
    if (known !== undefined) return known;
    const queue = new bullmq.Queue(name, { connection }) as unknown as Queue;
    queue.on('error', (error) => {
      onError(error);
    });
    queues.set(name, queue);
    return queue;
  };

  return {
    async enqueue(name, data, { jobId, attemptsMax = ATTEMPTS_MAX_DEFAULT, backoffMs = BACKOFF_MS_DEFAULT }: JobOptions) {
      const id = storedId(jobId);
      const queue = queueNamed(name);
      // A job that used up its attempts is kept to be looked at, but must not keep the next one out.
      if ((await queue.getJobState(id)) === 'failed') await queue.remove(id);
      await queue.add(name, data, {
        jobId: id,
        attempts: attemptsMax,
        backoff: { type: 'exponential', delay: backoffMs },
        removeOnComplete: true,
        removeOnFail: { count: FAILED_JOBS_KEPT },
      });
    },
    async process(name, handler, { concurrency = 1 } = {}) {
      const handle = (job: { id?: string | undefined; data: unknown; attemptsMade: number }): Promise<void> =>
        handler(job.data as Record<string, unknown>, handleOf(job));
      const worker = new bullmq.Worker(name, handle, {
        connection,
        concurrency,
        maxStalledCount: STALLED_COUNT_MAX,
        drainDelay: IDLE_LOOK_SECONDS,
      }) as unknown as Worker;
      worker.on('error', (error) => {
        onError(error);
      });
      worker.on('failed', (job, error) => {
        onError(error, job === undefined ? undefined : { queue: name, id: callerId(job.id), attempt: job.attemptsMade });
      });
      workers.push(worker);
      await worker.waitUntilReady();
    },
    async counts(name) {
      const counts = await queueNamed(name).getJobCounts('wait', 'delayed', 'prioritized', 'active', 'failed');
      const { wait = 0, delayed = 0, prioritized = 0, active = 0, failed = 0 } = counts;
      return { waiting: wait + delayed + prioritized, active, failed };
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.close()));
      await Promise.all([...queues.values()].map((queue) => queue.close()));
    },
  };
}

/** BullMQ takes whole numbers for its own ids, so ours carry a letter in front. */
function storedId(jobId: string): string {
  if (!/^[\w.-]+$/.test(jobId)) {
    throw new Fault('invalid', 'job.id_invalid', `a job id has letters, digits, "_", "-" and "." only, not "${jobId}"`);
  }
  return `j${jobId}`;
}

function callerId(id: string | undefined): string {
  return (id ?? 'j').slice(1);
}

function handleOf(job: { id?: string | undefined; attemptsMade: number }): JobHandle {
  return { id: callerId(job.id), attempt: job.attemptsMade + 1 };
}
