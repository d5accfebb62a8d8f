/** event: a usage event. void: withdraws an accepted event by id. replace: withdraws it and stands in its place. */
export type RecordKind = 'event' | 'void' | 'replace';

/** What is wrong with a record that another program wrote, as its log found it before anybody looked at the value. */
export interface RecordFault {
  readonly code: string;
  readonly detail: string;
}

export interface LogRecord {
  readonly offset: number;
  readonly tenant: string;
  readonly kind: RecordKind;
  /** When the record entered the log by the server's time, epoch milliseconds. */
  readonly appendedAtMs: number;
  /** The same by its tenant's time, which is another one in a sandbox: what deriving usage takes for "now". */
  readonly receivedAtMs: number;
  /** CloudEvents JSON, UTF-8 (for `void`: `{id, source}`). */
  readonly value: Uint8Array;
  /** With one the record becomes a refused event, whatever its value says. */
  readonly fault?: RecordFault;
}

export interface AppendBatch {
  readonly partition: number;
  readonly tenant: string;
  readonly appendedAtMs: number;
  /** Default: `appendedAtMs`. */
  readonly receivedAtMs?: number | undefined;
  readonly records: readonly { readonly kind: RecordKind; readonly value: Uint8Array }[];
}

/** Offsets of one partition: `earliest` is the oldest still stored, `next` the one the next append gets. */
export interface LogBounds {
  readonly earliest: number;
  readonly next: number;
}

/** A durable, partitioned, append-only log. Offsets of a partition start at 0 and have no holes. */
export interface EventLog {
  /** Identity of this log; a log created anew has another one. */
  readonly logId: string;
  /** Fixed when the log is created. */
  readonly partitionCount: number;
  /** Resolves with the first offset given, only after every record of the batch is durable. */
  append(batch: AppendBatch): Promise<number>;
  /**
   * Records from `fromOffset` on, consecutive, at most `recordsMax` (and about `bytesMax` bytes); empty at the end of the log.
   * Fails with LogGapError if `fromOffset` is older than the log keeps or beyond its end: it never skips.
   */
  read(partition: number, fromOffset: number, limit: { recordsMax: number; bytesMax: number }): Promise<LogRecord[]>;
  bounds(partition: number): Promise<LogBounds>;
  /**
   * Resolves soon after any partition grew since the last call resolved, or when `signal` aborts. With `partitions`, it may pass over growth of the
   * others.
   */
  appended(signal: AbortSignal, partitions?: readonly number[]): Promise<void>;
  /** Lets the log forget records below `beforeOffset`. */
  trim(partition: number, beforeOffset: number): Promise<void>;
  close(): Promise<void>;
}

/** The log does not hold the wanted offset: continuing would lose or repeat usage, so the reader must stop. */
export class LogGapError extends Error {
  override readonly name = 'LogGapError';
}
