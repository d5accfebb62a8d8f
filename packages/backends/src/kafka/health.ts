import type { KafkaClient } from './client.ts';
import type { PartitionState } from './kafkajs-internals.ts';
import type { TroubleWatch } from './trouble.ts';

export interface HealthCheck {
  trouble(): string | undefined;
  stop(): void;
}

/** Asks for the state of the topic now and then, so that an outage shows before anybody appends or reads. */
export function startHealthCheck(
  client: KafkaClient,
  watch: TroubleWatch,
  minInsyncReplicas: number,
  everyMs: number,
): HealthCheck {
  let found: string | undefined;
  let busy = false;

  async function check(): Promise<void> {
    if (busy) return;
    busy = true;
    try {
      const partitions = await client.run(
        'health',
        async (cluster) => {
          await cluster.refresh();
          return cluster.partitions();
        },
        { retryForMs: 0 },
      );
      found = partitions.map((partition) => faultOf(partition, minInsyncReplicas)).find((fault) => fault !== undefined);
      if (found === undefined) watch.healthy();
    } catch {
      // The watch has it.
    } finally {
      busy = false;
    }
  }

  const timer = setInterval(() => void check(), everyMs).unref();
  return { trouble: () => found, stop: () => clearInterval(timer) };
}

function faultOf({ partitionId, leader, isr }: PartitionState, minInsyncReplicas: number): string | undefined {
  if (leader < 0) return `Kafka: partition ${partitionId} has no leader`;
  if (isr.length < minInsyncReplicas)
    return `Kafka: partition ${partitionId} has ${isr.length} in-sync replicas, and appends need ${minInsyncReplicas}`;
  return undefined;
}
