import { partitionOf } from '@meterline/pipeline/events';
import { LogGapError, type LogRecord, type RecordFault } from '@meterline/pipeline/ports';
import { createOriginReader, type Origin } from './message-headers.ts';
import { type Batch, type Message, messagesOf } from './wire/record-batch.ts';

export interface ReadLimit {
  readonly recordsMax: number;
  readonly bytesMax: number;
}

export interface RecordReader {
  /**
   * Takes the records of the batch from `fromOffset` on into `into`, until a limit on all of `into` is reached (but at least one). Every offset
   * gives one record, also a marker of Kafka's own; LogGapError if the batch has none for `fromOffset`. Answers the bytes of the values taken.
   */
  take(into: LogRecord[], batch: Batch, fromOffset: number, limit: ReadLimit): Promise<number>;
}

const empty = Buffer.alloc(0);

/** A pure function of what the partition holds: whoever reads an offset, and whenever, gets the same record. */
export function createRecordReader(partition: number, partitionCount: number, tenantDefault: string | undefined): RecordReader {
  const readOrigin = createOriginReader(tenantDefault);

  function recordOf(message: Message, batch: Batch): LogRecord {
    const { offset } = message;
    const origin = readOrigin(message.headers);
    const { tenant, kind } = origin;
    const value = message.value ?? empty;
    const appendedAtMs = origin.appendedAtMs ?? Math.max(0, batch.timestampMs);
    const record = { offset, tenant, kind, appendedAtMs, receivedAtMs: origin.receivedAtMs ?? appendedAtMs, value };
    const fault = faultOf(message, origin, batch);
    return fault === undefined ? record : { ...record, fault };
  }

  function faultOf({ value }: Message, origin: Origin, { inTransaction }: Batch): RecordFault | undefined {
    // Whether a transaction was committed is written only behind it: what is read at an offset must not depend on what follows.
    if (inTransaction) return { code: 'event.transactional', detail: 'the message was written in a Kafka transaction' };
    if (origin.fault !== undefined) return origin.fault;
    if (value === null) return { code: 'event.malformed', detail: 'the message has no value' };
    return origin.appendedAtMs === undefined ? faultOfPlace(origin.tenant, value) : undefined;
  }

  /** An id in two partitions would count twice. What names no id cannot, and is found malformed by whoever decodes it. */
  function faultOfPlace(tenant: string, value: Buffer): RecordFault | undefined {
    const names = idOf(value);
    if (names === undefined) return undefined;
    const right = partitionOf(tenant, names.source, names.id, partitionCount);
    if (right === partition) return undefined;
    return { code: 'event.wrong_partition', detail: `the message came to partition ${partition}; its id belongs to ${right}` };
  }

  return {
    async take(into, batch, fromOffset, limit) {
      const records = batch.control ? markersOf(batch) : (await messagesOf(batch)).map((message) => recordOf(message, batch));
      let wanted = fromOffset;
      let takenBytes = 0;
      for (const record of records) {
        if (record.offset < fromOffset) continue;
        if (record.offset !== wanted) break;
        const { length } = record.value;
        if (into.length >= limit.recordsMax || (into.length > 0 && takenBytes + length > limit.bytesMax)) return takenBytes;
        into.push(record);
        takenBytes += length;
        wanted += 1;
      }
      // What stands before a hole can be read; the hole cannot be passed.
      if (wanted === fromOffset) throw holeAt(partition, wanted);
      return takenBytes;
    },
  };
}

export function holeAt(partition: number, offset: number): LogGapError {
  return new LogGapError(`partition ${partition} has no record at offset ${offset}: was the topic compacted?`);
}

function markersOf(batch: Batch): LogRecord[] {
  const fault = { code: 'event.transactional', detail: 'the end of a Kafka transaction of another program' };
  return Array.from({ length: batch.nextOffset - batch.firstOffset }, (_, index) => ({
    offset: batch.firstOffset + index,
    tenant: '',
    kind: 'event',
    appendedAtMs: Math.max(0, batch.timestampMs),
    receivedAtMs: Math.max(0, batch.timestampMs),
    value: empty,
    fault,
  }));
}

function idOf(value: Buffer): { readonly source: string; readonly id: string } | undefined {
  try {
    const fields = JSON.parse(value.toString()) as unknown;
    if (typeof fields !== 'object' || fields === null) return undefined;
    const { source, id } = fields as Record<string, unknown>;
    return typeof source === 'string' && typeof id === 'string' ? { source, id } : undefined;
  } catch {
    return undefined;
  }
}
