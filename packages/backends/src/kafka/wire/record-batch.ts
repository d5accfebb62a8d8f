import { promisify } from 'node:util';
import { constants, unzip, zstdCompress, zstdDecompress } from 'node:zlib';
import { crc32c } from './crc32c.ts';
import { wireReader } from './wire-reader.ts';
import { varintSize, writeVarint } from './wire-writer.ts';

const compress = promisify(zstdCompress);
const decompressors = new Map<number, (packed: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>>([
  [1, promisify<Buffer, { maxOutputLength: number }, Buffer>(unzip)],
  [4, promisify<Buffer, { maxOutputLength: number }, Buffer>(zstdDecompress)],
]);

/** Bytes from the first offset to the records; `length` counts from behind itself. */
const HEADER_BYTES = 61;
const LENGTH_END = 12;
const CRC_AT = 17;
const CRC_START = 21;
const CODEC_ZSTD = 4;
const IN_TRANSACTION = 0x10;
const CONTROL = 0x20;
/** Against a few bytes that unpack to more than the memory there is. */
const UNPACKED_BYTES_MAX = 512 * 1024 * 1024;

export interface MessageToEncode {
  /** Number of headers and the headers, encoded: shared by the messages of an append. */
  readonly headers: Buffer;
  readonly value: Uint8Array;
}

export interface Batch {
  readonly firstOffset: number;
  /** Offset behind the batch. */
  readonly nextOffset: number;
  readonly timestampMs: number;
  readonly inTransaction: boolean;
  /** A marker of Kafka's own, such as the end of a transaction, not a message. */
  readonly control: boolean;
  readonly codec: number;
  readonly recordCount: number;
  /** Compressed, if `codec` says so. */
  readonly records: Buffer;
}

export interface Message {
  readonly offset: number;
  readonly headers: Buffer;
  readonly value: Buffer | null;
}

/** Bytes a message takes in a batch before compression, at most. */
export function messageBytes({ headers, value }: MessageToEncode): number {
  return value.length + headers.length + 20;
}

/** A record batch (format 2) of messages without keys, compressed with zstd. */
export async function encodeBatch(messages: readonly MessageToEncode[], timestampMs: number): Promise<Buffer> {
  const records = await compress(encodeRecords(messages), { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
  const batch = Buffer.alloc(HEADER_BYTES + records.length);
  batch.writeInt32BE(batch.length - LENGTH_END, 8);
  batch.writeInt8(2, 16);
  batch.writeInt16BE(CODEC_ZSTD, 21);
  batch.writeInt32BE(messages.length - 1, 23);
  batch.writeBigInt64BE(BigInt(timestampMs), 27);
  batch.writeBigInt64BE(BigInt(timestampMs), 35);
  // No producer id, epoch or sequence: retries may store a message twice, and the reader drops the second.
  batch.writeBigInt64BE(-1n, 43);
  batch.writeInt16BE(-1, 51);
  batch.writeInt32BE(-1, 53);
  batch.writeInt32BE(messages.length, 57);
  records.copy(batch, HEADER_BYTES);
  batch.writeUInt32BE(crc32c(batch.subarray(CRC_START)), CRC_AT);
  return batch;
}

function encodeRecords(messages: readonly MessageToEncode[]): Buffer {
  let sizeBytes = 0;
  for (const message of messages) sizeBytes += messageBytes(message);
  const into = Buffer.allocUnsafe(sizeBytes);
  let at = 0;
  for (const [offsetDelta, { headers, value }] of messages.entries()) {
    // Attributes, time delta and absent key take a byte each.
    const length = 3 + varintSize(offsetDelta) + varintSize(value.length) + value.length + headers.length;
    at = writeVarint(into, length, at);
    into[at++] = 0;
    into[at++] = 0;
    at = writeVarint(into, offsetDelta, at);
    into[at++] = 1;
    at = writeVarint(into, value.length, at);
    into.set(value, at);
    at += value.length;
    into.set(headers, at);
    at += headers.length;
  }
  return into.subarray(0, at);
}

/** The whole batches in what a fetch answered; one cut off at its end is left out. Fails on a batch with a wrong checksum. */
export function* batchesOf(fetched: Buffer): Generator<Batch> {
  let rest = fetched;
  while (rest.length >= HEADER_BYTES) {
    const sizeBytes = LENGTH_END + rest.readInt32BE(8);
    if (rest.length < sizeBytes) return;
    const bytes = rest.subarray(0, sizeBytes);
    rest = rest.subarray(sizeBytes);
    const firstOffset = Number(bytes.readBigInt64BE(0));
    if (bytes.readInt8(16) !== 2) throw new Error(`the batch at offset ${firstOffset} has an old format, not version 2`);
    if (bytes.readUInt32BE(CRC_AT) !== crc32c(bytes.subarray(CRC_START)))
      throw new Error(`the batch at offset ${firstOffset} has a wrong checksum`);
    const attributes = bytes.readInt16BE(21);
    yield {
      firstOffset,
      nextOffset: firstOffset + bytes.readInt32BE(23) + 1,
      timestampMs: Number(bytes.readBigInt64BE(35)),
      inTransaction: (attributes & IN_TRANSACTION) !== 0,
      control: (attributes & CONTROL) !== 0,
      codec: attributes & 0x7,
      recordCount: bytes.readInt32BE(57),
      records: bytes.subarray(HEADER_BYTES),
    };
  }
}

/** The messages of a batch. Their headers and values are views of one buffer, unpacked from the batch. */
export async function messagesOf(batch: Batch): Promise<Message[]> {
  const records = await unpack(batch);
  const reader = wireReader(records);
  const messages: Message[] = [];
  for (let i = 0; i < batch.recordCount; i++) {
    const length = reader.varint();
    const end = reader.left - length;
    reader.int8();
    reader.varlong();
    const offset = batch.firstOffset + reader.varint();
    reader.varintBytes();
    const value = reader.varintBytes();
    messages.push({ offset, value, headers: reader.bytes(reader.left - end) });
  }
  return messages;
}

async function unpack({ codec, records, firstOffset }: Batch): Promise<Buffer> {
  if (codec === 0) return records;
  const decompress = decompressors.get(codec);
  if (decompress === undefined)
    throw new Error(`the batch at offset ${firstOffset} is packed with codec ${codec}, not gzip or zstd`);
  return decompress(records, { maxOutputLength: UNPACKED_BYTES_MAX });
}
