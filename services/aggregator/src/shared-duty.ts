import { setTimeout as sleep } from 'node:timers/promises';
import type { PartitionSharing, SharingView } from '@meterline/pipeline/ports';
import type { Logger } from '@meterline/runtime/logging';
import { assignPartitions } from './assignment.ts';
import { aborted, type Duty } from './duty.ts';

export interface SharedDutyOptions {
  readonly sharing: PartitionSharing;
  readonly logId: string;
  readonly partitionCount: number;
  /** Of this process and no other that ever was. */
  readonly member: string;
  /** While false no heartbeat is written, so that another takes over from a process that hangs. */
  readonly isWorking: () => boolean;
  readonly logger: Logger;
  /** Default 1,000. */
  readonly heartbeatMs?: number;
}

/** Without a heartbeat for so long, others may think this process dead. */
const SILENT_MS_MAX = 5_000;

/** Shares the partitions with every other member: writes heartbeats and works out from the view they answer what is to be led here. */
export async function startSharedDuty(options: SharedDutyOptions): Promise<Duty> {
  const { sharing, logId, partitionCount, member, isWorking, logger, heartbeatMs = 1_000 } = options;
  const stopping = new AbortController();
  let view: SharingView | undefined;
  let news = Promise.withResolvers<void>();
  let heardAtMs = performance.now();
  let failure: string | undefined;

  async function beat(): Promise<void> {
    if (!isWorking()) return;
    try {
      view = await sharing.heartbeat(logId, member);
      heardAtMs = performance.now();
      failure = undefined;
      news.resolve();
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
      if (!stopping.signal.aborted) logger.warn({ err: error }, 'heartbeat failed');
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await sleep(heartbeatMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (!stopping.signal.aborted) await beat();
    }
  }

  await sharing.open(logId, partitionCount);
  await beat();
  const running = run();

  return {
    orders(held) {
      if (view === undefined) return undefined;
      const { members, owners } = view;
      view = undefined;
      news = Promise.withResolvers();
      const living = new Set(members);
      const mine = assignPartitions(owners, members).flatMap((leader, partition) => (leader === member ? [partition] : []));
      const isFree = (owner: string | undefined) => owner === undefined || owner === member || !living.has(owner);
      // What is ours by the ledger and not held here was claimed or given up in vain: the answer was lost.
      const ours = owners.flatMap((owner, partition) => (owner === member ? [partition] : []));
      return {
        drop: [...new Set([...held, ...ours])].filter((partition) => !mine.includes(partition)),
        take: mine.filter((partition) => !held.includes(partition) && isFree(owners[partition])),
      };
    },
    take: (partitions) => sharing.claim(logId, partitions, member),
    giveUp: (partitions) => sharing.release(logId, partitions, member),
    changed: (signal) => Promise.race([news.promise, aborted(signal)]),
    trouble() {
      const silentMs = performance.now() - heardAtMs;
      return silentMs > SILENT_MS_MAX
        ? `no heartbeat for ${Math.round(silentMs / 1000)} s: ${failure ?? 'a cycle hangs'}`
        : undefined;
    },
    async leave() {
      stopping.abort();
      await running;
      await sharing.leave(logId, member);
    },
  };
}
