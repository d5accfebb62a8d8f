import { expect, it } from 'vitest';
import type { EventLog, LogRecord } from '../ports/event-log.ts';
import { createLogReader } from './log-reader.ts';

const LIMITS = { segmentRecordsMax: 10, segmentBytesMax: 1_000 };

/** A log that holds `counts[partition]` records of `bytes` each, and counts the reads under way. */
function logOf(counts: readonly number[], bytes = 1) {
  const reads = { underWay: 0, most: 0, partitions: [] as number[] };
  const read: EventLog['read'] = async (partition, fromOffset, { recordsMax, bytesMax }) => {
    reads.underWay += 1;
    reads.most = Math.max(reads.most, reads.underWay);
    reads.partitions.push(partition);
    await new Promise((next) => setImmediate(next));
    reads.underWay -= 1;
    const length = Math.min(recordsMax, Math.max(1, bytesMax / bytes), (counts[partition] ?? 0) - fromOffset);
    const value = Buffer.alloc(bytes);
    return Array.from({ length }, (_, at): LogRecord => {
      return { offset: fromOffset + at, tenant: 't', kind: 'event', appendedAtMs: 0, receivedAtMs: 0, value };
    });
  };
  return { reads, log: { read } as EventLog };
}

const leasesAt = (offsets: readonly number[]) =>
  offsets.map((nextOffset, partition) => ({ partition, nextOffset, epoch: 1 })).toReversed();

it('reads many partitions at a time but never more than eight, and passes over those without news', async () => {
  const counts = Array.from({ length: 30 }, (_, partition) => (partition === 7 || partition === 29 ? 3 : 0));
  const { reads, log } = logOf(counts);
  const { found, isAll } = await createLogReader(log, LIMITS).newRecords(leasesAt(counts.map(() => 0)));
  expect(found.map(({ range }) => range)).toEqual([
    { partition: 7, start: 0, end: 3 },
    { partition: 29, start: 0, end: 3 },
  ]);
  expect(isAll).toBe(true);
  expect(reads.most).toBe(8);
});

it.each([
  ['records', { count: 30, bytes: 1 }],
  ['bytes', { count: 3, bytes: 1_000 }],
])('takes of a large backlog what fits, by %s, and gets to every partition in turn', async (_, { count, bytes }) => {
  const counts = Array.from({ length: 20 }, () => count);
  const offsets = counts.map(() => 0);
  const { log } = logOf(counts, bytes);
  const reader = createLogReader(log, LIMITS);
  for (let turn = 0; turn < 3; turn += 1) {
    const seen = new Set<number>();
    while (seen.size < 20) {
      const { found, isAll } = await reader.newRecords(leasesAt(offsets));
      expect(found.length).toBeLessThanOrEqual(8);
      expect(isAll).toBe(false);
      for (const { range } of found) {
        expect(range.start).toBe(offsets[range.partition]);
        offsets[range.partition] = range.end;
        seen.add(range.partition);
      }
      if (offsets.every((offset, partition) => offset === counts[partition])) break;
    }
  }
  expect(offsets).toEqual(counts);
  expect(await reader.newRecords(leasesAt(offsets))).toEqual({ found: [], isAll: true });
});

it('reads a planned segment to its end in as many reads as it takes, and says so if the log ends before', async () => {
  const { log } = logOf([25]);
  const short: EventLog = { ...log, read: (partition, from, limit) => log.read(partition, from, { ...limit, recordsMax: 4 }) };
  const reader = createLogReader(short, LIMITS);
  const records = await reader.recordsOf({ partition: 0, start: 10, end: 25 });
  expect(records.map(({ offset }) => offset)).toEqual(Array.from({ length: 15 }, (_, at) => 10 + at));
  await expect(reader.recordsOf({ partition: 0, start: 10, end: 26 })).rejects.toThrow(
    'the log ends within planned segment 0:[10,26)',
  );
});
