import type { Lease, SegmentLedger } from '@meterline/pipeline/ports';

/** Which partitions this process works on now, and how it takes and leaves them. */
export interface Duty {
  /** What changed since the last call, or undefined: partitions to give up at once, and partitions that can be taken. */
  orders(held: readonly number[]): Orders | undefined;
  /** Takes what of these partitions can be had, with a new epoch each. */
  take(partitions: readonly number[]): Promise<Lease[]>;
  giveUp(partitions: readonly number[]): Promise<void>;
  /** Resolves when there may be new orders, or when `signal` aborts. */
  changed(signal: AbortSignal): Promise<void>;
  /** Why this process cannot tell what to work on, or undefined. */
  trouble(): string | undefined;
  /** Gives up everything, for good. */
  leave(): Promise<void>;
}

export interface Orders {
  readonly drop: readonly number[];
  readonly take: readonly number[];
}

/** All partitions belong to this process alone, whoever had them before: for one that nobody can run beside. */
export function soleDuty(
  ledger: Pick<SegmentLedger, 'acquire'>,
  logId: string,
  partitions: readonly number[],
  owner: string,
): Duty {
  return {
    orders(held) {
      const take = partitions.filter((partition) => !held.includes(partition));
      return take.length === 0 ? undefined : { drop: [], take };
    },
    take: (wanted) => ledger.acquire(logId, wanted, owner),
    giveUp: async () => {},
    changed: (signal) => aborted(signal),
    trouble: () => undefined,
    leave: async () => {},
  };
}

export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
