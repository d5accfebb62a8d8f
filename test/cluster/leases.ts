import { setTimeout as sleep } from 'node:timers/promises';
import { openPostgres } from '@meterline/backends/postgres';
import { Fault } from '@meterline/domain/faults';

const LOOK_EVERY_MS = 50;
const GIVE_UP_MS = 120_000;

/** The partitions of a dead or frozen process, and up to where each is counted. */
export type Held = ReadonlyMap<number, number>;

export interface LeaseWatch {
  /** What the process leads by the billing store. */
  heldBy(pid: number): Promise<Held>;
  /** Resolves when the process leads a partition. */
  leading(pid: number): Promise<void>;
  /** Resolves when work on one of these partitions was committed by somebody else than `pid`. */
  takenOver(held: Held, pid: number): Promise<void>;
  close(): Promise<void>;
}

/** Looks at who leads which partition of the only topic in the billing store at `url`. */
export async function watchLeases(url: string): Promise<LeaseWatch> {
  const database = await openPostgres({ url, poolMax: 2, onError: () => undefined });

  async function leases(): Promise<{ partition: number; owner: string; next_offset: string }[]> {
    const giveUpMs = performance.now() + GIVE_UP_MS;
    for (;;) {
      try {
        return await database.query(
          `select partition, owner, next_offset from lease join event_log using (log_id) where topic is not null order by partition`,
        );
      } catch (error) {
        // it may have been killed itself
        if (!(error instanceof Fault) || performance.now() > giveUpMs) throw error;
        await sleep(LOOK_EVERY_MS);
      }
    }
  }

  /** Aggregators call themselves host:pid:random. */
  const isOf = (owner: string, pid: number): boolean => owner.split(':').at(-2) === String(pid);

  async function heldBy(pid: number): Promise<Held> {
    const rows = await leases();
    return new Map(rows.filter(({ owner }) => isOf(owner, pid)).map((row) => [row.partition, Number(row.next_offset)]));
  }

  async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    const giveUpMs = performance.now() + GIVE_UP_MS;
    while (!(await isSo())) {
      if (performance.now() > giveUpMs) throw new Error(`${what} in ${GIVE_UP_MS} ms`);
      await sleep(LOOK_EVERY_MS);
    }
  }

  return {
    heldBy,
    leading: (pid) => until(`process ${pid} led nothing`, async () => (await heldBy(pid)).size > 0),
    takenOver: (held, pid) =>
      until(`nobody took over from process ${pid}`, async () =>
        (await leases()).some(({ partition, owner, next_offset: next }) => {
          const before = held.get(partition);
          return before !== undefined && owner !== '' && !isOf(owner, pid) && Number(next) > before;
        }),
      ),
    close: () => database.close(),
  };
}
