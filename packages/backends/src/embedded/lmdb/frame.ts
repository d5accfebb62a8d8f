import type { AppendBatch, LogRecord, RecordKind } from '@meterline/pipeline/ports';

/**
 * A batch of records as it is stored, little-endian. The offset of its first record is its key and not repeated here.
 *
 * | bytes       | field                                              |
 * | ----------- | -------------------------------------------------- |
 * | 1           | version of this layout: 1, or 2 with receivedAtMs  |
 * | 1           | 0                                                  |
 * | 2           | T: length of the tenant in bytes                   |
 * | 4           | N: number of records, at least 1                   |
 * | 8           | appendedAtMs, float64                              |
 * | 8           | receivedAtMs, float64: only in version 2           |
 * | N times 4   | length of each value in bytes                      |
 * | N           | kind of each record: 0 event, 1 void, 2 replace    |
 * | T           | tenant, UTF-8                                      |
 * | the rest    | the values, one after the other                    |
 */
const headerBytes = new Map([
  [1, 16],
  [2, 24],
]);
const kinds: readonly RecordKind[] = ['event', 'void', 'replace'];

export function encodeFrame(batch: AppendBatch): Buffer {
  const { records } = batch;
  const tenant = Buffer.from(batch.tenant);
  if (tenant.length > 0xffff) throw new RangeError('a tenant has at most 65,535 bytes');
  const { appendedAtMs, receivedAtMs = appendedAtMs } = batch;
  const version = receivedAtMs === appendedAtMs ? 1 : 2;
  const headBytes = headBytesOf(version);
  let sizeBytes = headBytes + 5 * records.length + tenant.length;
  for (const { value } of records) sizeBytes += value.length;
  const frame = Buffer.allocUnsafe(sizeBytes);
  frame[0] = version;
  frame[1] = 0;
  frame.writeUInt16LE(tenant.length, 2);
  frame.writeUInt32LE(records.length, 4);
  frame.writeDoubleLE(appendedAtMs, 8);
  if (version === 2) frame.writeDoubleLE(receivedAtMs, 16);
  let lengthAt = headBytes;
  let kindAt = headBytes + 4 * records.length;
  let valueAt = kindAt + records.length;
  frame.set(tenant, valueAt);
  valueAt += tenant.length;
  for (const { kind, value } of records) {
    frame.writeUInt32LE(value.length, lengthAt);
    frame[kindAt] = kinds.indexOf(kind);
    frame.set(value, valueAt);
    lengthAt += 4;
    kindAt += 1;
    valueAt += value.length;
  }
  return frame;
}

export function recordCount(frame: Buffer): number {
  headBytesOf(frame[0]);
  return frame.readUInt32LE(4);
}

function headBytesOf(version: number | undefined): number {
  const bytes = headerBytes.get(version ?? 0);
  if (bytes === undefined) throw new Error(`unknown layout of a stored batch: ${String(version)}`);
  return bytes;
}

/**
 * Appends records of the frame to `into`, from `fromOffset` on, until a limit is reached; at least one if `into` is empty. The
 * values are views of `frame`: it must not change afterwards. Answers the bytes of the values taken.
 */
export function decodeInto(
  into: LogRecord[],
  frame: Buffer,
  firstOffset: number,
  fromOffset: number,
  limit: { recordsMax: number; bytesMax: number },
): number {
  const count = recordCount(frame);
  const headBytes = headBytesOf(frame[0]);
  const appendedAtMs = frame.readDoubleLE(8);
  const receivedAtMs = frame[0] === 2 ? frame.readDoubleLE(16) : appendedAtMs;
  const kindsAt = headBytes + 4 * count;
  let valueAt = kindsAt + count + frame.readUInt16LE(2);
  const tenant = frame.toString('utf8', kindsAt + count, valueAt);
  let takenBytes = 0;
  for (let i = 0; i < count && into.length < limit.recordsMax; i++) {
    const length = frame.readUInt32LE(headBytes + 4 * i);
    const offset = firstOffset + i;
    if (offset >= fromOffset) {
      if (into.length > 0 && takenBytes + length > limit.bytesMax) break;
      const kind = kinds[frame[kindsAt + i] ?? -1];
      if (kind === undefined) throw new Error(`unknown kind of a stored record at offset ${String(offset)}`);
      into.push({ offset, tenant, kind, appendedAtMs, receivedAtMs, value: frame.subarray(valueAt, valueAt + length) });
      takenBytes += length;
    }
    valueAt += length;
  }
  return takenBytes;
}
