import { createPostgresBackend, runMigrations, withBackend, type Queue, type Worker } from 'bullmq';
import type { JobQueue } from '@meterline/pipeline/ports';
import { bullmqJobQueue, STALLED_COUNT_MAX, type OnJobError } from '../bullmq/job-queue.ts';
import type { EmbeddedPostgres } from './pglite.ts';
import { createPool } from './pglite/pool.ts';

const SCHEMA = 'bullmq';
/** How long an idle worker waits before it looks by itself; new and due jobs wake it at once. */
const IDLE_LOOK_SECONDS = 30;

/**
 * Jobs on BullMQ, kept in schema `bullmq` of the embedded billing store. As that belongs to this process alone, a job found active was
 * cut off by a crash, and is run again as soon as its queue is processed. Close the queue before the database.
 */
export async function openBullmqQueue(options: { database: EmbeddedPostgres; onError: OnJobError }): Promise<JobQueue> {
  const connection = createPool(options.database);
  const client = await connection.connect();
  try {
    await runMigrations(client, SCHEMA);
  } finally {
    client.release();
  }
  await options.database.exec(`
    update ${SCHEMA}.job set stalled_marked = true, locked_until_ms = 0 where state = 'active';
    delete from ${SCHEMA}.meta where field = 'stalled-check'`);

  const bullmq = withBackend(createPostgresBackend);
  return bullmqJobQueue({
    onError: options.onError,
    queue: (name) => new bullmq.Queue(name, { connection }) as unknown as Queue,
    worker(name, processor, concurrency) {
      const workerOptions = { connection, concurrency, maxStalledCount: STALLED_COUNT_MAX, drainDelay: IDLE_LOOK_SECONDS };
      return new bullmq.Worker(name, processor, workerOptions) as unknown as Worker;
    },
  });
}
