/** Builds a message in Kafka's binary encoding, piece by piece. */
export interface WireWriter {
  int8(value: number): WireWriter;
  int16(value: number): WireWriter;
  int32(value: number): WireWriter;
  int64(value: number): WireWriter;
  string(value: string): WireWriter;
  /** As they are, without a length. */
  bytes(value: Uint8Array): WireWriter;
  finish(): Buffer;
}

export function wireWriter(): WireWriter {
  const pieces: Uint8Array[] = [];
  const push = (piece: Uint8Array): WireWriter => {
    pieces.push(piece);
    return writer;
  };
  const number = (size: number, fill: (into: Buffer) => void): WireWriter => {
    const piece = Buffer.allocUnsafe(size);
    fill(piece);
    return push(piece);
  };
  const writer: WireWriter = {
    int8: (value) => number(1, (into) => into.writeInt8(value)),
    int16: (value) => number(2, (into) => into.writeInt16BE(value)),
    int32: (value) => number(4, (into) => into.writeInt32BE(value)),
    int64: (value) => number(8, (into) => into.writeBigInt64BE(BigInt(value))),
    string(value) {
      const text = Buffer.from(value);
      return writer.int16(text.length).bytes(text);
    },
    bytes: push,
    finish: () => Buffer.concat(pieces),
  };
  return writer;
}

export function varintSize(value: number): number {
  let rest = value < 0 ? -2 * value - 1 : 2 * value;
  let size = 1;
  for (; rest >= 128; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** Writes a varint to `into` and answers where it ends. */
export function writeVarint(into: Buffer, value: number, start: number): number {
  let rest = value < 0 ? -2 * value - 1 : 2 * value;
  let at = start;
  for (; rest >= 128; rest = Math.floor(rest / 128)) into[at++] = (rest % 128) | 0x80;
  into[at++] = rest;
  return at;
}
