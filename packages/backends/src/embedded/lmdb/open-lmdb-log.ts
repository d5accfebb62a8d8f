import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { Fault } from '@meterline/domain/faults';
import { type AppendBatch, type EventLog, LogGapError, type LogRecord } from '@meterline/pipeline/ports';
import { type Database, open, type RootDatabase } from 'lmdb';
import { decodeInto, encodeFrame, recordCount } from './frame.ts';
import { createGroupCommit } from './group-commit.ts';
import { createGrowthSignal } from '../../event-log/growth-signal.ts';

const trimBatchesMax = 1000;

interface Partition {
  /** Batches by the offset of their first record. */
  readonly batches: Database<Buffer, number>;
  /** First offset that no append was given yet. */
  assigned: number;
  /** First offset that is not durable yet: what readers see ends here. */
  durable: number;
}

interface Append {
  readonly partition: Partition;
  readonly firstOffset: number;
  readonly nextOffset: number;
  readonly frame: Buffer;
}

/**
 * Opens the log in `folder`, or creates it with `partitionCount` partitions. Fails with the Fault `event_log.partition_count` if it
 * was created with another number. Only one process at a time may have it open: offsets are given from memory.
 *
 * Appends that come while a commit is being written to disk share the next one. If a commit fails, the log fails every append from
 * then on (Fault `event_log.failed`), since those already given later offsets would leave a hole; opening it again recovers.
 * `trim` forgets whole batches and keeps the newest one, from which the next offset is known.
 */
export async function openLmdbLog(options: { folder: string; partitionCount: number }): Promise<EventLog> {
  const { folder, partitionCount } = options;
  mkdirSync(folder, { recursive: true });
  // With overlapping syncs a write would resolve before it is on disk.
  const root: RootDatabase<Buffer, number> = open(folder, {
    maxDbs: partitionCount + 1,
    overlappingSync: false,
    noMemInit: true,
  });
  const identity = await openIdentity(root, partitionCount);
  const partitions = Array.from({ length: partitionCount }, (_, index) => openPartition(root, index));
  const growth = createGrowthSignal();
  const commits = createGroupCommit<Append>(async (appends) => {
    const committed = root.batch(() => {
      for (const { partition, firstOffset, frame } of appends) void partition.batches.put(firstOffset, frame);
    });
    await committed.catch(explainCommitError);
    root.resetReadTxn();
    for (const { partition, nextOffset } of appends) partition.durable = nextOffset;
    growth.raise();
  });

  function partitionOf(index: number): Partition {
    const partition = partitions[index];
    if (partition === undefined) throw new RangeError(`no partition ${String(index)}: the log has ${String(partitionCount)}`);
    return partition;
  }

  async function append(batch: AppendBatch): Promise<number> {
    commits.requireOpen();
    if (batch.records.length === 0) throw new RangeError('a batch has at least one record');
    const partition = partitionOf(batch.partition);
    const frame = encodeFrame(batch);
    const firstOffset = partition.assigned;
    partition.assigned += batch.records.length;
    await commits.add({ partition, firstOffset, nextOffset: partition.assigned, frame });
    return firstOffset;
  }

  function read(index: number, fromOffset: number, limit: { recordsMax: number; bytesMax: number }): LogRecord[] {
    const { batches, durable } = partitionOf(index);
    const records: LogRecord[] = [];
    if (fromOffset === durable) return records;
    let key = fromOffset < durable ? batchHolding(batches, fromOffset) : undefined;
    let leftBytes = limit.bytesMax;
    while (key !== durable && records.length < limit.recordsMax) {
      // A copy of its own: the engine's memory is valid only until the next read.
      const frame = key === undefined ? undefined : batches.getBinary(key);
      if (key === undefined || frame === undefined) {
        throw new LogGapError(`partition ${String(index)} does not hold offset ${String(fromOffset + records.length)}`);
      }
      leftBytes -= decodeInto(records, frame, key, fromOffset, { recordsMax: limit.recordsMax, bytesMax: leftBytes });
      key += recordCount(frame);
      if (fromOffset + records.length < key) break;
    }
    return records;
  }

  async function trim(index: number, beforeOffset: number): Promise<void> {
    const { batches } = partitionOf(index);
    for (;;) {
      const keys = [...batches.getKeys({ end: beforeOffset + 1, limit: trimBatchesMax + 1 })];
      // The last key found begins a batch that may reach beyond `beforeOffset`.
      const last = keys.pop();
      if (last === undefined || keys.length === 0) return;
      await root.batch(() => {
        for (const key of keys) void batches.remove(key);
      });
      root.resetReadTxn();
    }
  }

  return {
    ...identity,
    append,
    read: async (partition, fromOffset, limit) => read(partition, fromOffset, limit),
    async bounds(index) {
      const { batches, durable } = partitionOf(index);
      return { earliest: firstKey(batches) ?? durable, next: durable };
    },
    appended: (signal) => growth.wait(signal),
    trim,
    async close() {
      await commits.close();
      await root.close();
    },
  };
}

async function openIdentity(root: RootDatabase<Buffer, number>, partitionCount: number) {
  const identity = root.openDB<string, string>('identity', { encoding: 'string' });
  if (identity.get('logId') === undefined) {
    await root.batch(() => {
      void identity.put('logId', randomUUID());
      void identity.put('partitionCount', String(partitionCount));
    });
    root.resetReadTxn();
  }
  const stored = identity.get('partitionCount');
  if (stored !== String(partitionCount)) {
    await root.close();
    throw new Fault(
      'conflict',
      'event_log.partition_count',
      `the log was created with ${stored ?? 'no'} partitions, not ${String(partitionCount)}`,
    );
  }
  return { logId: identity.get('logId') ?? '', partitionCount };
}

function openPartition(root: RootDatabase<Buffer, number>, index: number): Partition {
  const batches = root.openDB<Buffer, number>(`partition-${String(index)}`, { encoding: 'binary' });
  const [newest] = batches.getKeys({ reverse: true, limit: 1 });
  const frame = newest === undefined ? undefined : batches.getBinary(newest);
  const next = newest === undefined || frame === undefined ? 0 : newest + recordCount(frame);
  return { batches, assigned: next, durable: next };
}

function firstKey(batches: Database<Buffer, number>): number | undefined {
  const [first] = batches.getKeys({ limit: 1 });
  return first;
}

/** Throws the error again. Its reason comes in a promise of its own, which nobody else would wait for. */
function explainCommitError(error: unknown): never {
  if (error instanceof Error && 'commitError' in error) {
    Promise.resolve(error.commitError).catch((reason: unknown) => {
      error.cause = reason;
    });
  }
  throw error;
}

/** Key of the batch that holds `offset`, which is below the end: a batch boundary as a rule. Undefined if trimmed. */
function batchHolding(batches: Database<Buffer, number>, offset: number): number | undefined {
  if (batches.doesExist(offset)) return offset;
  const [before] = batches.getKeys({ start: offset, reverse: true, limit: 1 });
  return before;
}
