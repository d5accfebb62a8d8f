import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { AppendBatch, LogRecord } from '../ports/event-log.ts';
import { chainOf } from './chain.ts';
import { feedLog } from './feed.ts';
import { placeOf } from './layout.ts';
import type { MovingRecord } from './original-records.ts';

/** What an append does to the log and to whoever waits for it. */
type Fate = 'stored' | 'stored twice' | 'killed before' | 'killed after';

class Killed extends Error {}

/** A log in memory that stores appends, or stores them again, or ends the process before or after it did. */
function frailLog(partitionCount: number, fates: readonly Fate[]) {
  const partitions: LogRecord[][] = Array.from({ length: partitionCount }, () => []);
  let appends = 0;
  let isDead = false;
  const log = {
    partitionCount,
    async append({ partition, tenant, appendedAtMs, receivedAtMs = appendedAtMs, records }: AppendBatch): Promise<number> {
      if (isDead) throw new Killed();
      const fate = fates[appends++] ?? 'stored';
      const stored = partitions[partition] ?? [];
      const store = (): number =>
        stored.push(
          ...records.map((record, n) => ({ ...record, tenant, appendedAtMs, receivedAtMs, offset: stored.length + n })),
        ) - records.length;
      if (fate !== 'stored' && fate !== 'stored twice') isDead = true;
      if (fate === 'killed before') throw new Killed();
      if (fate === 'stored twice') store();
      const first = store();
      if (fate === 'killed after') throw new Killed();
      return first;
    },
    read: async (partition: number, from: number, { recordsMax }: { recordsMax: number }) =>
      (partitions[partition] ?? []).slice(from, from + recordsMax),
    bounds: async (partition: number) => ({ earliest: 0, next: partitions[partition]?.length ?? 0 }),
  };
  return { log, partitions, revive: () => (isDead = false) };
}

const oldLog = fc.integer({ min: 1, max: 3 }).chain((partitions) =>
  fc.array(fc.array(fc.record({ id: fc.nat(9), to: fc.nat(3), at: fc.nat(2), ahead: fc.nat(1) }), { maxLength: 12 }), {
    minLength: partitions,
    maxLength: partitions,
  }),
);
const fates = fc.array(fc.constantFrom<Fate>('stored', 'stored', 'stored twice', 'killed before', 'killed after'), {
  maxLength: 20,
});

function sourceOf(old: readonly (readonly { id: number; to: number; at: number; ahead: number }[])[]) {
  const records = old.map((list, partition) =>
    list.map(({ id, to, at, ahead }, offset): MovingRecord => {
      const value = Buffer.from(`${partition}.${offset}.${id}`);
      return { offset, tenant: 't', kind: 'event', appendedAtMs: at, receivedAtMs: at + ahead, value, toPartition: to };
    }),
  );
  return {
    records,
    async *range(partition: number, from: number, to: number) {
      for (let at = from; at < to; at += 2) yield (records[partition] ?? []).slice(at, Math.min(at + 2, to));
    },
  };
}

it('brings every record over exactly once and in order, and each cut to where exactly the records below it are, however often it is killed', async () => {
  await fc.assert(
    fc.asyncProperty(oldLog, fc.array(fc.nat(100), { maxLength: 4 }), fates, async (old, percents, fate) => {
      const source = sourceOf(old);
      const end = source.records.map(({ length }) => length);
      const exact = percents.map((percent) => end.map((length) => Math.floor((length * percent) / 100)));
      const chain = chainOf({ exact, loose: [] }, end);
      const { log, partitions, revive } = frailLog(4, fate);
      const layout = await (async () => {
        for (;;) {
          try {
            return await feedLog(source, log, chain, () => undefined);
          } catch (error) {
            if (!(error instanceof Killed)) throw error;
            revive();
          }
        }
      })();

      const keyOf = ({ value }: Pick<LogRecord, 'value'>): string => Buffer.from(value).toString();
      for (const cut of [...exact, end]) {
        const place = placeOf(layout, cut);
        const below = partitions.flatMap((records, partition) => records.slice(0, place[partition]).map(keyOf));
        const wanted = source.records.flatMap((records, partition) => records.slice(0, cut[partition]).map(keyOf));
        expect(new Set(below)).toEqual(new Set(wanted));
      }
      const moved = partitions.map((records, partition) => records.slice(0, layout.end[partition]).map(keyOf));
      expect(moved.flat().length - layout.repeated).toBe(end.reduce((sum, length) => sum + length, 0));
      for (const [partition, list] of source.records.entries()) {
        for (const [to, arrived] of moved.entries()) {
          const mine = list.filter(({ toPartition }) => toPartition === to).map(keyOf);
          const firsts = [...new Set(arrived)].filter((key) => key.startsWith(`${partition}.`));
          expect(firsts).toEqual(mine);
        }
      }
    }),
    { numRuns: 100 },
  );
});

it('refuses a partition that holds what nobody moved there', async () => {
  const source = sourceOf([[{ id: 1, to: 0, at: 0, ahead: 0 }]]);
  const { log } = frailLog(4, []);
  await log.append({ partition: 0, tenant: 't', appendedAtMs: 0, records: [{ kind: 'event', value: Buffer.from('foreign') }] });
  await expect(feedLog(source, log, [[1]], () => undefined)).rejects.toMatchObject({ code: 'move.log_differs' });
});
