import { wireReader } from './wire-reader.ts';
import { wireWriter } from './wire-writer.ts';

/** A request to one broker: what is behind the request's header, and how to read what is behind the response's. */
export interface BrokerRequest<Answer> {
  readonly apiKey: number;
  readonly apiName: string;
  readonly apiVersion: number;
  readonly body: Buffer;
  /** How long the broker may take to answer beyond the usual. */
  readonly waitMs: number;
  readonly decode: (body: Buffer) => Answer;
}

export interface ProducedPartition {
  readonly partition: number;
  readonly errorCode: number;
  readonly firstOffset: number;
}

/** Appends one batch to each partition, answered once all in-sync replicas have them, or after `timeoutMs` with an error each. */
export function produceRequest(
  topic: string,
  batches: readonly { readonly partition: number; readonly batch: Buffer }[],
  timeoutMs: number,
): BrokerRequest<ProducedPartition[]> {
  const writer = wireWriter().int16(-1).int16(-1).int32(timeoutMs).int32(1).string(topic).int32(batches.length);
  for (const { partition, batch } of batches) writer.int32(partition).int32(batch.length).bytes(batch);
  return {
    apiKey: 0,
    apiName: 'Produce',
    apiVersion: 7,
    body: writer.finish(),
    waitMs: timeoutMs,
    decode(body) {
      const reader = wireReader(body);
      return readTopics(reader, () => {
        const partition = reader.int32();
        const errorCode = reader.int16();
        const firstOffset = reader.int64();
        reader.int64();
        reader.int64();
        return { partition, errorCode, firstOffset };
      });
    },
  };
}

export interface FetchedPartition {
  readonly partition: number;
  readonly errorCode: number;
  /** Offset behind the last message that readers may see. */
  readonly next: number;
  readonly earliest: number;
  /** Record batches, the first of which may begin before the offset asked for. */
  readonly batches: Buffer;
}

/**
 * Asks for the batches from an offset of each partition on, about `bytesMax` in all. With `waitMs` the broker answers once there is
 * something, or the time is over. Messages of open and aborted transactions are among them.
 */
export function fetchRequest(
  topic: string,
  positions: readonly { readonly partition: number; readonly offset: number }[],
  options: { readonly bytesMax: number; readonly waitMs: number },
): BrokerRequest<FetchedPartition[]> {
  const { bytesMax, waitMs } = options;
  const writer = wireWriter().int32(-1).int32(waitMs).int32(1).int32(bytesMax).int8(0);
  // No fetch session: every request says all it wants.
  writer.int32(0).int32(-1);
  writer.int32(1).string(topic).int32(positions.length);
  for (const { partition, offset } of positions) writer.int32(partition).int32(-1).int64(offset).int64(-1).int32(bytesMax);
  writer.int32(0).string('');
  return {
    apiKey: 1,
    apiName: 'Fetch',
    apiVersion: 11,
    body: writer.finish(),
    waitMs,
    decode(body) {
      const reader = wireReader(body);
      reader.int32();
      const errorCode = reader.int16();
      reader.int32();
      const partitions = readTopics(reader, () => {
        const partition = reader.int32();
        const ownErrorCode = reader.int16();
        const next = reader.int64();
        reader.int64();
        const earliest = reader.int64();
        for (let aborted = reader.int32(); aborted > 0; aborted--) reader.bytes(16);
        reader.int32();
        const batches = reader.bytes(Math.max(0, reader.int32()));
        return { partition, errorCode: ownErrorCode, next, earliest, batches };
      });
      if (errorCode !== 0)
        return positions.map(({ partition }) => ({ partition, errorCode, next: -1, earliest: -1, batches: body.subarray(0, 0) }));
      return partitions;
    },
  };
}

/** Asks for the id that Kafka gave the topic: one created anew under the same name has another. Answers null for a topic it does not know. */
export function topicIdRequest(topic: string): BrokerRequest<string | null> {
  const name = Buffer.from(topic);
  const body = wireWriter()
    // The header of a flexible request ends in its tags, and kafkajs does not write those.
    .int8(0)
    .int8(2)
    .bytes(Buffer.alloc(16))
    .bytes(Buffer.from([...uvarint(name.length + 1), ...name]))
    .int8(0)
    .int8(0)
    .int8(0)
    .int8(0)
    .int8(0);
  return {
    apiKey: 3,
    apiName: 'Metadata',
    apiVersion: 10,
    body: body.finish(),
    waitMs: 0,
    decode(answer) {
      const reader = wireReader(answer);
      reader.int8();
      reader.int32();
      for (let brokers = reader.uvarint() - 1; brokers > 0; brokers--) {
        reader.int32();
        reader.compactString();
        reader.int32();
        reader.compactString();
        reader.int8();
      }
      reader.compactString();
      reader.int32();
      if (reader.uvarint() !== 2) return null;
      const errorCode = reader.int16();
      reader.compactString();
      const id = reader.bytes(16);
      return errorCode === 3 || id.every((byte) => byte === 0) ? null : formatUuid(id);
    },
  };
}

function readTopics<Partition>(reader: ReturnType<typeof wireReader>, readPartition: () => Partition): Partition[] {
  const partitions: Partition[] = [];
  for (let topics = reader.int32(); topics > 0; topics--) {
    reader.string();
    for (let count = reader.int32(); count > 0; count--) partitions.push(readPartition());
  }
  return partitions;
}

function uvarint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 0x80, ...uvarint(Math.floor(value / 128))];
}

function formatUuid(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
