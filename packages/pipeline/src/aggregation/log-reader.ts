import type { EventLog, LogRecord } from '../ports/event-log.ts';
import type { Lease, SegmentRange } from '../ports/segment-ledger.ts';

export interface ReadLimits {
  /** Records of one segment. */
  readonly segmentRecordsMax: number;
  readonly segmentBytesMax: number;
}

export interface NewRecords {
  readonly range: SegmentRange;
  readonly records: readonly LogRecord[];
}

/** Partitions asked at a time: a partition with nothing new costs a round trip to a log that is a server. */
const READS_AT_ONCE = 8;
/** With so many full segments in hand the other partitions wait for the next call: what is in hand must fit into memory. */
const FULL_SEGMENTS = 4;

/** Reads what is to become segments. */
export function createLogReader(log: EventLog, { segmentRecordsMax: recordsMax, segmentBytesMax: bytesMax }: ReadLimits) {
  /** Where the last call stopped asking. */
  let firstPartition = 0;

  async function newOf({ partition, nextOffset: start }: Lease): Promise<NewRecords> {
    const records = await log.read(partition, start, { recordsMax, bytesMax });
    return { range: { partition, start, end: start + records.length }, records };
  }

  return {
    /**
     * The records behind what is committed, at most one segment a partition. `isAll` is false if some partitions were not asked, because much had
     * come together: the next call begins with them.
     */
    async newRecords(leases: readonly Lease[]): Promise<{ found: NewRecords[]; isAll: boolean }> {
      const sorted = leases.toSorted((one, other) => one.partition - other.partition);
      const waiting = [
        ...sorted.filter(({ partition }) => partition >= firstPartition),
        ...sorted.filter(({ partition }) => partition < firstPartition),
      ];
      const found: NewRecords[] = [];
      let takenRecords = 0;
      let takenBytes = 0;
      while (waiting.length > 0 && takenRecords < FULL_SEGMENTS * recordsMax && takenBytes < FULL_SEGMENTS * bytesMax) {
        const read = await Promise.all(waiting.splice(0, READS_AT_ONCE).map(newOf));
        for (const one of read) {
          if (one.records.length === 0) continue;
          found.push(one);
          takenRecords += one.records.length;
          for (const { value } of one.records) takenBytes += value.length;
        }
      }
      firstPartition = waiting[0]?.partition ?? 0;
      return { found, isAll: waiting.length === 0 };
    },

    /** Every record of a planned segment. */
    async recordsOf({ partition, start, end }: SegmentRange): Promise<LogRecord[]> {
      const records: LogRecord[] = [];
      while (records.length < end - start) {
        const missing = { recordsMax: end - start - records.length, bytesMax };
        const more = await log.read(partition, start + records.length, missing);
        if (more.length === 0) throw new Error(`the log ends within planned segment ${partition}:[${start},${end})`);
        records.push(...more);
      }
      return records;
    },
  };
}

export type LogReader = ReturnType<typeof createLogReader>;
