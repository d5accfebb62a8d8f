import { createGrowthSignal } from '../event-log/growth-signal.ts';
import type { KafkaClient } from './client.ts';
import { BrokerError } from './errors.ts';
import type { ClusterConnection } from './kafkajs-internals.ts';
import { leaderOf } from './read.ts';
import { fetchRequest } from './wire/requests.ts';

export interface GrowthWatch {
  /** Resolves soon after one of the partitions grew beyond what was seen of it, or when `signal` aborts. */
  appended(signal: AbortSignal, partitions: readonly number[]): Promise<void>;
  /** The reader has everything below this offset. */
  seen(partition: number, next: number): void;
  close(): Promise<void>;
}

/** A broker holds the question back this long while there is nothing new. */
const POLL_WAIT_MS = 1_000;
const OFFSET_OUT_OF_RANGE = 1;

/**
 * Asks the leaders for what is new by fetches they hold back until there is something ("long polls"), only while somebody waits. What they
 * answer is looked at for its offsets alone. `client` must not be used for anything else: its connections are held up.
 */
export function createGrowthWatch(client: KafkaClient, topic: string, ends: ReadonlyMap<number, number>): GrowthWatch {
  const signal = createGrowthSignal();
  const seenNext = new Map(ends);
  const polling = new Map<number, Promise<void>>();
  let wanted: ReadonlySet<number> = new Set();
  let waiters = 0;
  let closed = false;

  /** One poll after the other until something grew, nobody waits any more, or the partition has another leader. */
  async function pollLeader(leader: number): Promise<void> {
    while (waiters > 0 && !closed) {
      const grown = await client.run(
        'watch',
        async (cluster) => {
          const positions = [...wanted]
            .filter((partition) => leaderOf(cluster, partition) === leader)
            .map((partition) => ({ partition, offset: seenNext.get(partition) ?? 0 }));
          return positions.length === 0 ? undefined : poll(cluster, leader, positions);
        },
        // Forever: who waits is told by trouble(), and an error would end the waiting no sooner.
        { retryForMs: Infinity, allowedMs: 2 * POLL_WAIT_MS + 5_000 },
      );
      if (grown === undefined) return;
      if (grown) {
        signal.raise();
        return;
      }
    }
  }

  async function poll(cluster: ClusterConnection, leader: number, positions: { partition: number; offset: number }[]) {
    let grown = false;
    for (const { partition, errorCode, next } of await cluster.send(
      leader,
      fetchRequest(topic, positions, { bytesMax: 1, waitMs: POLL_WAIT_MS }),
    )) {
      // Trimmed or cut off meanwhile: the reader will find out which.
      if (errorCode === OFFSET_OUT_OF_RANGE) {
        const ends = await cluster.listOffsets(leader, [partition], 'latest');
        seenNext.set(partition, ends.get(partition) ?? 0);
        grown = true;
      } else if (errorCode !== 0) {
        throw new BrokerError(errorCode, partition);
      } else if (next > (seenNext.get(partition) ?? 0)) {
        seenNext.set(partition, next);
        grown = true;
      }
    }
    return grown;
  }

  function startPolls(cluster: ClusterConnection): void {
    for (const leader of new Set([...wanted].map((partition) => leaderOf(cluster, partition)))) {
      if (polling.has(leader)) continue;
      const polled = pollLeader(leader)
        .catch(() => undefined)
        .then(() => {
          polling.delete(leader);
          // The leader changed, or who waits came while the poll ended.
          if (waiters > 0 && !closed) void watch();
        });
      polling.set(leader, polled);
    }
  }

  async function watch(): Promise<void> {
    await client.run('watch', async (cluster) => startPolls(cluster), { retryForMs: Infinity }).catch(() => undefined);
  }

  return {
    async appended(abort, partitions) {
      wanted = new Set(partitions);
      waiters += 1;
      void watch();
      await signal.wait(abort);
      waiters -= 1;
    },
    seen(partition, next) {
      if (next > (seenNext.get(partition) ?? 0)) seenNext.set(partition, next);
    },
    async close() {
      closed = true;
      await Promise.all(polling.values());
    },
  };
}
