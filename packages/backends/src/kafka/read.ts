import { LogGapError, type LogBounds, type LogRecord } from '@meterline/pipeline/ports';
import type { KafkaClient } from './client.ts';
import { BrokerError } from './errors.ts';
import type { ClusterConnection } from './kafkajs-internals.ts';
import { createRecordReader, holeAt, type ReadLimit } from './log-records.ts';
import { batchesOf } from './wire/record-batch.ts';
import { type FetchedPartition, fetchRequest } from './wire/requests.ts';

const OFFSET_OUT_OF_RANGE = 1;
/** Of one fetch, compressed: what lies behind the limit of a read is thrown away and fetched again. */
const FETCH_BYTES_MAX = 1_000_000;

export interface PartitionReader {
  read(fromOffset: number, limit: ReadLimit): Promise<LogRecord[]>;
  bounds(): Promise<LogBounds>;
}

/** Reads a partition from its leader, by offset: there is no position that could jump. */
export function createPartitionReader(
  client: KafkaClient,
  place: { readonly topic: string; readonly partition: number; readonly partitionCount: number },
  tenantDefault: string | undefined,
): PartitionReader {
  const { topic, partition, partitionCount } = place;

  function fetchFrom(offset: number, bytesMax: number): Promise<FetchedPartition> {
    return client.run('read', async (cluster) => {
      const request = fetchRequest(topic, [{ partition, offset }], { bytesMax, waitMs: 0 });
      const [fetched] = await cluster.send(leaderOf(cluster, partition), request);
      if (fetched === undefined) throw new Error(`the broker answered nothing for partition ${partition}`);
      if (fetched.errorCode === OFFSET_OUT_OF_RANGE) await failForGap(cluster, offset);
      if (fetched.errorCode !== 0) throw new BrokerError(fetched.errorCode, partition);
      return fetched;
    });
  }

  /** A broker that was the leader and does not know yet may say so of an offset that is there: only the leader of now is believed. */
  async function failForGap(cluster: ClusterConnection, offset: number): Promise<void> {
    await cluster.refresh();
    const { earliest, next } = await boundsOf(cluster);
    if (offset < earliest || offset > next)
      throw new LogGapError(`partition ${partition} of ${topic} holds offsets ${earliest} to ${next - 1}, not ${offset}`);
  }

  async function boundsOf(cluster: ClusterConnection): Promise<LogBounds> {
    const leader = leaderOf(cluster, partition);
    const [earliest, latest] = await Promise.all([
      cluster.listOffsets(leader, [partition], 'earliest'),
      cluster.listOffsets(leader, [partition], 'latest'),
    ]);
    return { earliest: earliest.get(partition) ?? 0, next: latest.get(partition) ?? 0 };
  }

  return {
    async read(fromOffset, limit) {
      // What it remembers belongs to one read: several may be under way.
      const reader = createRecordReader(partition, partitionCount, tenantDefault);
      const records: LogRecord[] = [];
      let leftBytes = limit.bytesMax;
      for (;;) {
        const position = fromOffset + records.length;
        const fetched = await fetchFrom(position, FETCH_BYTES_MAX);
        if (position >= fetched.next) return records;
        for (const batch of batchesOf(fetched.batches)) {
          const wanted = fromOffset + records.length;
          if (batch.nextOffset <= wanted) continue;
          if (batch.firstOffset > wanted && records.length > 0) return records;
          if (batch.firstOffset > wanted) throw holeAt(partition, wanted);
          leftBytes -= await reader.take(records, batch, wanted, { recordsMax: limit.recordsMax, bytesMax: leftBytes });
          if (fromOffset + records.length < batch.nextOffset) return records;
        }
        if (records.length >= limit.recordsMax || leftBytes <= 0) return records;
        if (fromOffset + records.length === position) throw holeAt(partition, position);
      }
    },
    bounds: () => client.run('bounds', boundsOf),
  };
}

/** The node that leads a partition, as of the last refresh. */
export function leaderOf(cluster: ClusterConnection, partition: number): number {
  const state = cluster.partitions().find(({ partitionId }) => partitionId === partition);
  if (state === undefined) throw new BrokerError(3, partition);
  if (state.leader < 0) throw new BrokerError(5, partition);
  return state.leader;
}
