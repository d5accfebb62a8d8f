import { Fault } from '@meterline/domain/faults';

export interface GroupCommit<Entry> {
  /** Throws the Fault that ended it, if it takes nothing any more. */
  requireOpen(): void;
  /** Resolves once a write with this entry succeeded. Entries are written in the order given. */
  add(entry: Entry): Promise<void>;
  /** Takes nothing more and waits for what it took. */
  close(): Promise<void>;
}

/**
 * Writes together what comes while an earlier write is under way. There is one write at a time, and after a failed one nothing is
 * written ever again: were a later write tried, it could succeed and leave a hole where the failed one belongs.
 */
export function createGroupCommit<Entry>(write: (entries: readonly Entry[]) => Promise<void>): GroupCommit<Entry> {
  let pending: { readonly entry: Entry; readonly settle: PromiseWithResolvers<void> }[] = [];
  let writing: Promise<void> | undefined;
  let failure: Fault | undefined;
  let closed = false;

  async function writePending(): Promise<void> {
    while (pending.length > 0) {
      const group = pending;
      pending = [];
      try {
        if (failure !== undefined) throw failure;
        await write(group.map(({ entry }) => entry));
      } catch (cause) {
        failure ??= new Fault(
          'unavailable',
          'event_log.failed',
          'the event log could not be written; it takes nothing until opened again',
          { cause },
        );
        for (const { settle } of group) settle.reject(failure);
        continue;
      }
      for (const { settle } of group) settle.resolve();
    }
    writing = undefined;
  }

  function requireOpen(): void {
    if (failure !== undefined) throw failure;
    if (closed) throw new Fault('unavailable', 'event_log.closed', 'the event log is closed');
  }

  return {
    requireOpen,
    add(entry) {
      requireOpen();
      const settle = Promise.withResolvers<void>();
      pending.push({ entry, settle });
      writing ??= writePending();
      return settle.promise;
    },
    async close() {
      closed = true;
      await writing;
    },
  };
}
