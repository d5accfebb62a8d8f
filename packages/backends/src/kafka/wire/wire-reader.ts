/** Reads Kafka's binary encoding from the front of a buffer on. What it gives as bytes are views of that buffer. */
export interface WireReader {
  readonly atEnd: boolean;
  /** Bytes not read yet. */
  readonly left: number;
  int8(): number;
  int16(): number;
  int32(): number;
  /** An int64 that must be a safe integer: an offset or a time. */
  int64(): number;
  varint(): number;
  /** A varint of 64 bits that must be a safe integer. */
  varlong(): number;
  bytes(length: number): Buffer;
  /** Bytes with a varint length, null where it is negative. */
  varintBytes(): Buffer | null;
  /** Text with an int16 length; null where it is negative. */
  string(): string | null;
  /** Text with an unsigned varint length plus one, as in the newer ("flexible") messages. */
  compactString(): string | null;
  uvarint(): number;
}

export function wireReader(buffer: Buffer): WireReader {
  let at = 0;

  function uvarint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = buffer.readUInt8(at++);
      value += (byte & 0x7f) * factor;
      if (byte < 128) return value;
    }
  }

  /** Zigzag: the lowest bit is the sign. */
  function varlong(): number {
    const value = uvarint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  function bytes(length: number): Buffer {
    if (length < 0 || at + length > buffer.length) throw new RangeError('a Kafka message is shorter than it says');
    at += length;
    return buffer.subarray(at - length, at);
  }

  return {
    get atEnd() {
      return at >= buffer.length;
    },
    get left() {
      return buffer.length - at;
    },
    int8: () => buffer.readInt8(at++),
    int16: () => buffer.readInt16BE((at += 2) - 2),
    int32: () => buffer.readInt32BE((at += 4) - 4),
    int64: () => Number(buffer.readBigInt64BE((at += 8) - 8)),
    varint: varlong,
    varlong,
    bytes,
    varintBytes() {
      const length = varlong();
      return length < 0 ? null : bytes(length);
    },
    string() {
      const length = buffer.readInt16BE((at += 2) - 2);
      return length < 0 ? null : bytes(length).toString();
    },
    compactString() {
      const length = uvarint();
      return length === 0 ? null : bytes(length - 1).toString();
    },
    uvarint,
  };
}
