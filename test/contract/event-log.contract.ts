import type { EventLog, LogRecord } from '@meterline/pipeline/ports';
import { LogGapError } from '@meterline/pipeline/ports';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

export interface EventLogBackend {
  /** Opens the log that `create` made: the same one at every call, once the former is closed. */
  open(): Promise<EventLog>;
  /** Removes everything. */
  remove(): Promise<void>;
}

const partitionCount = 3;
const unlimited = { recordsMax: 1_000_000, bytesMax: 1_000_000_000 };
const at = 1_772_359_200_123;

/** What every event log promises, whatever stores it. `create` makes a new, empty log. */
export function eventLogContract(name: string, create: (partitionCount: number) => Promise<EventLogBackend>): void {
  describe(name, () => {
    let backend: EventLogBackend;
    let log: EventLog;

    beforeEach(async () => {
      backend = await create(partitionCount);
      log = await backend.open();
    });
    afterEach(async () => {
      await log.close();
      await backend.remove();
    });

    function append(partition: number, ...values: string[]): Promise<number> {
      const records = values.map((value) => ({ kind: 'event', value: Buffer.from(value) }) as const);
      return log.append({ partition, tenant: 'default', appendedAtMs: at, records });
    }

    async function valuesFrom(partition: number, offset: number, limit = unlimited): Promise<string[]> {
      return textsOf(await log.read(partition, offset, limit));
    }

    it('gives back what was appended, with tenant, kind and time', async () => {
      const value = Buffer.from([0, 255, 10, 10]);
      const records = (['event', 'void', 'replace'] as const).map((kind) => ({ kind, value }));
      expect(await log.append({ partition: 1, tenant: 'größe', appendedAtMs: at, records })).toBe(0);
      const read = await log.read(1, 0, unlimited);
      expect(read.map(({ offset, tenant, kind, appendedAtMs }) => ({ offset, tenant, kind, appendedAtMs }))).toEqual(
        records.map(({ kind }, offset) => ({ offset, tenant: 'größe', kind, appendedAtMs: at })),
      );
      for (const record of read) expect(Buffer.from(record.value)).toEqual(value);
    });

    it('gives back when a record came by the time of its tenant, also where that is another one', async () => {
      const records = [{ kind: 'event', value: Buffer.from('a') }] as const;
      for (const receivedAtMs of [undefined, at, at + 86_400_000, at - 86_400_000]) {
        const offset = await log.append({ partition: 0, tenant: 'default', appendedAtMs: at, receivedAtMs, records });
        const [read] = await log.read(0, offset, unlimited);
        expect(read).toMatchObject({ offset, appendedAtMs: at, receivedAtMs: receivedAtMs ?? at });
      }
    });

    it('gives consecutive offsets in the order of the calls, in every partition for itself', async () => {
      const calls = Array.from({ length: 300 }, (_, i) => ({ partition: i % partitionCount, size: 1 + (i % 4) }));
      const firsts = await Promise.all(
        calls.map(({ partition, size }, i) => append(partition, ...Array.from({ length: size }, (_, k) => `${i}.${k}`))),
      );
      const next = Array.from({ length: partitionCount }, () => 0);
      for (const [i, { partition, size }] of calls.entries()) {
        expect(firsts[i]).toBe(next[partition]);
        next[partition] = (next[partition] ?? 0) + size;
      }
      for (const [partition, end] of next.entries()) {
        expect(await log.bounds(partition)).toEqual({ earliest: 0, next: end });
        expect((await log.read(partition, 0, unlimited)).map(({ offset }) => offset)).toEqual(
          Array.from({ length: end }, (_, offset) => offset),
        );
      }
    });

    it('lets a reader see a record as soon as its append resolved', async () => {
      for (let i = 0; i < 50; i++) expect(await valuesFrom(0, await append(0, `value ${i}`))).toEqual([`value ${i}`]);
    });

    it('reads from the middle of a batch and across batches, up to a number of records', async () => {
      await append(0, 'a', 'b', 'c');
      await append(0, 'd', 'e');
      expect(await valuesFrom(0, 1)).toEqual(['b', 'c', 'd', 'e']);
      expect(await valuesFrom(0, 1, { ...unlimited, recordsMax: 3 })).toEqual(['b', 'c', 'd']);
      expect(await valuesFrom(0, 4, { ...unlimited, recordsMax: 3 })).toEqual(['e']);
      expect(await valuesFrom(0, 5)).toEqual([]);
    });

    it('reads about as many bytes as wanted, but always at least one record', async () => {
      await append(0, 'aaaa', 'bbbb', 'cccc');
      await append(0, 'dddd', 'eeee');
      expect(await valuesFrom(0, 0, { ...unlimited, bytesMax: 1 })).toEqual(['aaaa']);
      expect(await valuesFrom(0, 1, { ...unlimited, bytesMax: 12 })).toEqual(['bbbb', 'cccc', 'dddd']);
    });

    it('fails for an offset beyond the end instead of waiting or skipping', async () => {
      await append(0, 'a');
      await expect(log.read(0, 2, unlimited)).rejects.toThrow(LogGapError);
      await expect(log.read(1, 1, unlimited)).rejects.toThrow(LogGapError);
    });

    it('forgets what is trimmed, and fails for it', async () => {
      for (let i = 0; i < 20; i++) await append(0, `${2 * i}`, `${2 * i + 1}`);
      await log.trim(0, 31);
      const { earliest, next } = await log.bounds(0);
      expect(earliest).toBeGreaterThan(0);
      expect(earliest).toBeLessThanOrEqual(31);
      expect(next).toBe(40);
      expect(await valuesFrom(0, 31)).toEqual(Array.from({ length: 9 }, (_, i) => String(31 + i)));
      await expect(log.read(0, earliest - 1, unlimited)).rejects.toThrow(LogGapError);
      await expect(log.read(0, 0, unlimited)).rejects.toThrow(LogGapError);
      await log.trim(0, 0);
      expect(await log.bounds(0)).toEqual({ earliest, next });
    });

    it('goes on at the same offset after everything was trimmed and the log opened again', async () => {
      await append(0, 'a', 'b', 'c');
      await log.trim(0, 3);
      await log.close();
      log = await backend.open();
      expect(await append(0, 'd')).toBe(3);
      expect(await valuesFrom(0, 3)).toEqual(['d']);
    });

    it('is the same log when opened again', async () => {
      const { logId } = log;
      await Promise.all([append(0, 'a', 'b'), append(2, 'c')]);
      await log.close();
      log = await backend.open();
      expect({ logId: log.logId, partitionCount: log.partitionCount }).toEqual({ logId, partitionCount });
      expect(await Promise.all([0, 1, 2].map((partition) => log.bounds(partition)))).toEqual([
        { earliest: 0, next: 2 },
        { earliest: 0, next: 0 },
        { earliest: 0, next: 1 },
      ]);
      expect(await append(0, 'd')).toBe(2);
      expect(await valuesFrom(0, 0)).toEqual(['a', 'b', 'd']);
    });

    it('takes no empty batch and no partition it does not have', async () => {
      await expect(append(0)).rejects.toThrow(RangeError);
      await expect(append(partitionCount, 'a')).rejects.toThrow(RangeError);
      expect(await log.bounds(0)).toEqual({ earliest: 0, next: 0 });
    });

    it('tells a waiting reader of an append, and one that comes later of what it missed', async () => {
      const never = new AbortController().signal;
      await log.appended(never);
      const told = log.appended(never);
      await append(1, 'a');
      await told;
      await append(2, 'b');
      await log.appended(never);
    });

    it('stops waiting when aborted, and then still tells of the next append', async () => {
      await log.appended(new AbortController().signal);
      const abort = new AbortController();
      const waiting = log.appended(abort.signal);
      abort.abort();
      await waiting;
      await append(0, 'a');
      await log.appended(new AbortController().signal);
    });

    it('answers like arrays would, whatever is appended, read, trimmed and reopened', async () => {
      const texts = fc.array(fc.string({ maxLength: 12 }), { minLength: 1, maxLength: 6 });
      const partition = fc.nat({ max: partitionCount - 1 });
      const step = fc.oneof(
        { weight: 6, arbitrary: fc.record({ do: fc.constant('append' as const), partition, texts }) },
        {
          weight: 4,
          arbitrary: fc.record({
            do: fc.constant('read' as const),
            partition,
            from: fc.nat({ max: 60 }),
            recordsMax: fc.integer({ min: 1, max: 20 }),
          }),
        },
        { weight: 1, arbitrary: fc.record({ do: fc.constant('trim' as const), partition, before: fc.nat({ max: 60 }) }) },
        { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen' as const) }) },
      );
      const run = async (steps: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[]) => {
        const model: string[][] = [];
        const base: number[] = [];
        for (let p = 0; p < partitionCount; p++) {
          const { next } = await log.bounds(p);
          base.push(next);
          model.push([]);
        }
        for (const one of steps) {
          if (one.do === 'reopen') {
            await log.close();
            log = await backend.open();
            continue;
          }
          const expected = model[one.partition] ?? [];
          const start = base[one.partition] ?? 0;
          if (one.do === 'append') {
            expect(await append(one.partition, ...one.texts)).toBe(start + expected.length);
            expected.push(...one.texts);
          } else if (one.do === 'trim') {
            const before = start + Math.min(one.before, expected.length);
            await log.trim(one.partition, before);
            const bounds = await log.bounds(one.partition);
            expect(bounds.next).toBe(start + expected.length);
            expect(bounds.earliest).toBeLessThanOrEqual(before);
          } else {
            const { earliest, next } = await log.bounds(one.partition);
            const from = start + one.from;
            const read = log.read(one.partition, from, { ...unlimited, recordsMax: one.recordsMax });
            if (from < earliest || from > next) await expect(read).rejects.toThrow(LogGapError);
            else expect(textsOf(await read)).toEqual(expected.slice(one.from, one.from + one.recordsMax));
          }
        }
      };
      await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), run), { numRuns: 60 });
    });
  });
}

function textsOf(records: readonly LogRecord[]): string[] {
  return records.map(({ value }) => Buffer.from(value).toString());
}
