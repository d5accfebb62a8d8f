import { BrokerError } from './errors.ts';
import type { AppendGroup } from './append-queue.ts';
import type { KafkaClient } from './client.ts';
import type { ClusterConnection } from './kafkajs-internals.ts';
import { leaderOf } from './read.ts';
import { encodeBatch } from './wire/record-batch.ts';
import { produceRequest } from './wire/requests.ts';

export interface WriteOptions {
  readonly topic: string;
  /** How long the leader may wait for the other in-sync replicas. */
  readonly replicationTimeoutMs: number;
  readonly requestTimeoutMs: number;
}

/**
 * Writes groups of appends, one batch a partition, with acks of all in-sync replicas. What fails is sent again, to whoever leads it by
 * then; after an unknown outcome that may store a batch twice, never not at all. Answers the first offset of each partition or its error.
 */
export function createGroupWriter(client: KafkaClient, options: WriteOptions) {
  return async (group: AppendGroup, retryForMs: number): Promise<ReadonlyMap<number, number | Error>> => {
    const outcomes = new Map<number, number | Error>();
    const batches = await Promise.all(
      [...group].map(async ([partition, appends]) => {
        const timestampMs = appends.reduce((latest, { appendedAtMs }) => Math.max(latest, appendedAtMs), 0);
        return {
          partition,
          batch: await encodeBatch(
            appends.flatMap(({ messages }) => messages),
            timestampMs,
          ),
        };
      }),
    );
    let left = batches;
    const writeLeft = async (cluster: ClusterConnection): Promise<void> => {
      const failures: Error[] = [];
      const byLeader = Map.groupBy(left, ({ partition }) => leaderOf(cluster, partition));
      const requests = [...byLeader].map(async ([leader, some]) => {
        const request = produceRequest(options.topic, some, options.replicationTimeoutMs);
        for (const { partition, errorCode, firstOffset } of await cluster.send(leader, request)) {
          if (errorCode === 0) outcomes.set(partition, firstOffset);
          else failures.push(new BrokerError(errorCode, partition));
        }
      });
      for (const outcome of await Promise.allSettled(requests))
        if (outcome.status === 'rejected') failures.push(asError(outcome.reason));
      left = left.filter(({ partition }) => !outcomes.has(partition));
      if (left.length > 0) throw failures[0] ?? new Error('the broker answered nothing for a partition');
    };
    try {
      const allowedMs = options.requestTimeoutMs + options.replicationTimeoutMs;
      await client.run('append', writeLeft, { retryForMs, allowedMs });
    } catch (error) {
      for (const { partition } of left) outcomes.set(partition, asError(error));
    }
    return outcomes;
  };
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
