import { Fault } from '@meterline/domain/faults';
import { closed, unavailable } from './errors.ts';
import type { MessageToEncode } from './wire/record-batch.ts';

export interface Append {
  readonly partition: number;
  readonly appendedAtMs: number;
  readonly messages: readonly MessageToEncode[];
  readonly sizeBytes: number;
}

/** Batches to write with one request to one broker: at most one a partition. */
export type AppendGroup = ReadonlyMap<number, readonly Append[]>;

export interface AppendQueue {
  /** Resolves with the offset of its first message. */
  add(append: Append): Promise<number>;
  /** Bytes taken and not answered yet. */
  readonly inFlightBytes: number;
  /** Takes nothing more and waits for what it took. */
  close(): Promise<void>;
}

export interface AppendQueueOptions {
  /** Messages of a partition written together, before compression. */
  readonly batchBytesMax: number;
  /** Bytes taken and not answered yet, over which nothing more is taken. */
  readonly inFlightBytesMax: number;
  /** An append that waits longer for its turn fails, and none is tried again for longer, its waiting included. */
  readonly waitMsMax: number;
  /** Who leads the partition, or a number of its own for those without a leader. */
  readonly leaderOf: (partition: number) => number;
  /** Writes the group, trying again for `retryForMs`; answers the first offset of each partition, or what went wrong with it. */
  readonly write: (group: AppendGroup, retryForMs: number) => Promise<ReadonlyMap<number, number | Error>>;
}

interface Waiting {
  readonly append: Append;
  readonly settle: PromiseWithResolvers<number>;
  readonly sinceMs: number;
}

/**
 * One write a broker at a time; what comes meanwhile for its partitions is written together next. A partition has one write at a time,
 * so its appends get their offsets in the order they came in.
 */
export function createAppendQueue(options: AppendQueueOptions): AppendQueue {
  let waiting: Waiting[] = [];
  const busyLeaders = new Set<number>();
  const busyPartitions = new Set<number>();
  const writes = new Set<Promise<void>>();
  let inFlightBytes = 0;
  let scheduled = false;
  let ended = false;

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    queueMicrotask(() => {
      scheduled = false;
      for (const [leader, group] of takeGroups()) start(leader, group);
    });
  }

  /** What can be written now: nothing overtakes an earlier append of its partition. */
  function takeGroups(): Map<number, Map<number, Waiting[]>> {
    const groups = new Map<number, Map<number, Waiting[]>>();
    const heldBack = new Set<number>();
    const left: Waiting[] = [];
    const sizes = new Map<number, number>();
    for (const one of waiting) {
      if (performance.now() - one.sinceMs > options.waitMsMax) {
        inFlightBytes -= one.append.sizeBytes;
        one.settle.reject(unavailable('append', new Error('earlier appends take too long')));
        continue;
      }
      const { partition, sizeBytes } = one.append;
      const leader = options.leaderOf(partition);
      const partitionBytes = (sizes.get(partition) ?? 0) + sizeBytes;
      const full = sizes.has(partition) && partitionBytes > options.batchBytesMax;
      if (full || busyLeaders.has(leader) || busyPartitions.has(partition) || heldBack.has(partition)) {
        heldBack.add(partition);
        left.push(one);
        continue;
      }
      sizes.set(partition, partitionBytes);
      const group = groups.get(leader) ?? new Map<number, Waiting[]>();
      groups.set(leader, group);
      const others = group.get(partition);
      if (others) others.push(one);
      else group.set(partition, [one]);
    }
    waiting = left;
    return groups;
  }

  function start(leader: number, group: Map<number, Waiting[]>): void {
    busyLeaders.add(leader);
    for (const partition of group.keys()) busyPartitions.add(partition);
    const written = write(group).finally(() => {
      busyLeaders.delete(leader);
      for (const partition of group.keys()) busyPartitions.delete(partition);
      writes.delete(written);
      schedule();
    });
    writes.add(written);
  }

  async function write(group: Map<number, Waiting[]>): Promise<void> {
    const appends = new Map([...group].map(([partition, all]) => [partition, all.map(({ append }) => append)]));
    // By the one that waits longest: younger ones fail with it, and their senders are not kept for twice the time.
    const sinceMs = Math.min(...[...group.values()].flat().map((one) => one.sinceMs));
    const retryForMs = Math.max(0, options.waitMsMax - (performance.now() - sinceMs));
    const outcomes = await options.write(appends, retryForMs).catch((error: unknown) => unavailable('append', error));
    for (const [partition, all] of group) {
      const outcome =
        outcomes instanceof Error ? outcomes : (outcomes.get(partition) ?? new Error('no answer for the partition'));
      let offset = outcome instanceof Error ? 0 : outcome;
      for (const { append, settle } of all) {
        inFlightBytes -= append.sizeBytes;
        if (outcome instanceof Error) settle.reject(outcome);
        else settle.resolve(offset);
        offset += append.messages.length;
      }
    }
  }

  return {
    get inFlightBytes() {
      return inFlightBytes;
    },
    async add(append) {
      if (ended) throw closed();
      const { sizeBytes } = append;
      if (sizeBytes > options.batchBytesMax)
        throw new Fault(
          'too_large',
          'event_log.batch_too_large',
          `a batch has at most ${options.batchBytesMax} bytes, not ${sizeBytes}`,
        );
      if (inFlightBytes + sizeBytes > options.inFlightBytesMax)
        throw new Fault('unavailable', 'event_log.overloaded', 'too much is waiting to be written to Kafka', {
          retryAfterSeconds: 1,
        });
      inFlightBytes += sizeBytes;
      const settle = Promise.withResolvers<number>();
      waiting.push({ append, settle, sinceMs: performance.now() });
      schedule();
      return settle.promise;
    },
    async close() {
      ended = true;
      schedule();
      await Promise.resolve();
      while (writes.size > 0 || waiting.length > 0) {
        await Promise.all(writes);
        await Promise.resolve();
      }
    },
  };
}
