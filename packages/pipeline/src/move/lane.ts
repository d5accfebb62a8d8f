import { Fault } from '@meterline/domain/faults';
import type { EventLog, LogRecord } from '../ports/event-log.ts';

/** One partition of the new log while records are moved into it, always in the same order. */
export interface Lane {
  /** First offset that does not belong to what was taken. */
  readonly at: number;
  /** Records that are there twice, as the log stored an append again after an unknown outcome; they become duplicates. */
  readonly repeated: number;
  /** Sees that the partition holds these records next: finds those that an earlier run appended, appends the others. */
  take(records: readonly LogRecord[]): Promise<void>;
}

const READ_RECORDS_MAX = 10_000;
const READ_BYTES_MAX = 8_000_000;
const APPEND_RECORDS_MAX = 1_000;
const APPEND_BYTES_MAX = 1_000_000;
/** A repeated append follows closely on the first. */
const RECENT_RECORDS = 2 * APPEND_RECORDS_MAX;

/**
 * One append at a time, so that what is in the partition is always a beginning of the sequence, repetitions aside: whoever continues reads it back
 * and goes on behind it. Fails with `move.log_differs` if the partition holds anything else.
 */
export async function openLane(log: Pick<EventLog, 'append' | 'read' | 'bounds'>, partition: number): Promise<Lane> {
  let stored = (await log.bounds(partition)).next;
  let at = 0;
  let repeated = 0;
  let recent: LogRecord[] = [];

  function remember(records: readonly LogRecord[]): void {
    recent = [...recent, ...records].slice(-RECENT_RECORDS);
  }

  /** Passes over what of `wanted` the partition holds from `at` on; answers what is left of it. */
  async function readBack(wanted: readonly LogRecord[]): Promise<readonly LogRecord[]> {
    const limit = { recordsMax: Math.min(wanted.length, READ_RECORDS_MAX), bytesMax: READ_BYTES_MAX };
    let found = 0;
    for (const record of await log.read(partition, at, limit)) {
      const next = wanted[found];
      if (next !== undefined && isSame(record, next)) found += 1;
      else if ([...recent, ...wanted.slice(0, found)].some((one) => isSame(one, record))) repeated += 1;
      else throw logDiffers(partition, at);
      at += 1;
    }
    remember(wanted.slice(0, found));
    return wanted.slice(found);
  }

  async function append(wanted: readonly LogRecord[]): Promise<readonly LogRecord[]> {
    const records = wanted.slice(0, appendable(wanted));
    const { tenant = '', appendedAtMs = 0, receivedAtMs } = records[0] ?? {};
    const first = await log.append({ partition, tenant, appendedAtMs, receivedAtMs, records });
    if (first !== at) {
      // Something came between: reading back says what.
      stored = Math.max(stored, first + records.length);
      return wanted;
    }
    at += records.length;
    stored = at;
    remember(records);
    return wanted.slice(records.length);
  }

  return {
    get at() {
      return at;
    },
    get repeated() {
      return repeated;
    },
    async take(records) {
      let left = records;
      while (left.length > 0) left = at < stored ? await readBack(left) : await append(left);
    },
  };
}

/** How many records from the first on may travel in one batch. */
function appendable(records: readonly LogRecord[]): number {
  const [first] = records;
  let bytes = 0;
  for (const [index, record] of records.entries()) {
    bytes += record.value.length;
    const isAlike = first !== undefined && isSameOrigin(record, first);
    if (!isAlike || index === APPEND_RECORDS_MAX || (index > 0 && bytes > APPEND_BYTES_MAX)) return index;
  }
  return records.length;
}

function isSame(a: LogRecord, b: LogRecord): boolean {
  return a.kind === b.kind && isSameOrigin(a, b) && Buffer.compare(a.value, b.value) === 0;
}

function isSameOrigin(a: LogRecord, b: LogRecord): boolean {
  return a.tenant === b.tenant && a.appendedAtMs === b.appendedAtMs && a.receivedAtMs === b.receivedAtMs;
}

function logDiffers(partition: number, offset: number): Fault {
  return new Fault(
    'conflict',
    'move.log_differs',
    `offset ${offset} of partition ${partition} of the new log holds something that was not moved there: move into a topic that nobody else writes to`,
  );
}
