import type { OnJobError } from '../bullmq/job-queue.ts';

const REPEATED_AFTER_MS = 10_000;

/** While Redis is away, every connection tells of every attempt: here the same message is told once in 10 s. Failed jobs always are. */
export function quietened(onError: OnJobError): OnJobError {
  const toldAtMs = new Map<string, number>();
  return (error, job) => {
    if (job !== undefined) return onError(error, job);
    const nowMs = performance.now();
    const lastMs = toldAtMs.get(error.message) ?? -Infinity;
    if (nowMs - lastMs < REPEATED_AFTER_MS) return undefined;
    if (toldAtMs.size > 100) toldAtMs.clear();
    toldAtMs.set(error.message, nowMs);
    return onError(error);
  };
}
