import type { Queue, Worker } from 'bullmq';
import { Fault } from '@meterline/domain/faults';
import type { JobHandle, JobOptions, JobQueue } from '@meterline/pipeline/ports';

/** Hears of every failed attempt, with its job, and of BullMQ's own failures. */
export type OnJobError = (error: Error, job?: { queue: string; id: string; attempt: number }) => void;

type Processor = (job: { id?: string | undefined; data: unknown; attemptsMade: number }) => Promise<void>;

/** What differs from one backend of BullMQ to another. */
export interface BullmqBackend {
  queue(name: string): Queue;
  worker(name: string, processor: Processor, concurrency: number): Worker;
  readonly onError: OnJobError;
}

const ATTEMPTS_MAX_DEFAULT = 5;
const BACKOFF_MS_DEFAULT = 1000;
const FAILED_JOBS_KEPT = 1000;
/** A crash is no fault of the job: it may happen to it any number of times. For every worker. */
export const STALLED_COUNT_MAX = 1_000_000;

/** Jobs on BullMQ, wherever that keeps them. */
export function bullmqJobQueue({ queue: openQueue, worker: openWorker, onError }: BullmqBackend): JobQueue {
  const queues = new Map<string, Queue>();
  const workers: Worker[] = [];

  const queueNamed = (name: string): Queue => {
    const known = queues.get(name);
    if (known !== undefined) return known;
    const queue = openQueue(name);
    queue.on('error', (error) => {
      onError(error);
    });
    queues.set(name, queue);
    return queue;
  };

  return {
    async enqueue(name, data, options: JobOptions) {
      const { jobId, attemptsMax = ATTEMPTS_MAX_DEFAULT, backoffMs = BACKOFF_MS_DEFAULT, delayMs = 0 } = options;
      const id = storedId(jobId);
      const queue = queueNamed(name);
      // A job that used up its attempts is kept to be looked at, but must not keep the next one out.
      if ((await queue.getJobState(id)) === 'failed') await queue.remove(id);
      await queue.add(name, data, {
        jobId: id,
        attempts: attemptsMax,
        backoff: { type: 'exponential', delay: backoffMs },
        delay: delayMs,
        removeOnComplete: true,
        removeOnFail: { count: FAILED_JOBS_KEPT },
      });
    },
    async process(name, handler, { concurrency = 1 } = {}) {
      const worker = openWorker(name, (job) => handler(job.data as Record<string, unknown>, handleOf(job)), concurrency);
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
