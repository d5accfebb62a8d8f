export interface JobOptions {
  /** At most one job with this id is waiting or active at a time. Letters, digits, `_`, `-` and `.` only. */
  readonly jobId: string;
  /** Attempts in all, with exponential backoff between them. Default 5. */
  readonly attemptsMax?: number;
  readonly backoffMs?: number;
  /** How long it waits before its first attempt. Default not at all. */
  readonly delayMs?: number;
}

export interface JobHandle {
  readonly id: string;
  readonly attempt: number;
}

/** Runs jobs at least once: every handler must be safe to run again. Times of day are not its business (see Clock). */
export interface JobQueue {
  enqueue(queue: string, data: Readonly<Record<string, unknown>>, options: JobOptions): Promise<void>;
  /** Starts working on `queue`. A handler that rejects is tried again with backoff. */
  process(
    queue: string,
    handler: (data: Record<string, unknown>, job: JobHandle) => Promise<void>,
    options?: { concurrency?: number },
  ): Promise<void>;
  /** Waiting, active and failed (attempts used up) jobs of a queue. */
  counts(queue: string): Promise<{ waiting: number; active: number; failed: number }>;
  /** Stops taking jobs, waits for the active ones, closes. */
  close(): Promise<void>;
}
