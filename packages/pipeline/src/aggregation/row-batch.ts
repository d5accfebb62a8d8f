import type { RowIdentity } from '../ports/segment-ledger.ts';

const FIRST_BYTES = 1 << 16;
/** A varint of a length below 2^35 takes at most this many bytes. */
const LENGTH_BYTES_MAX = 5;
/** UTF-8 takes at most three bytes for a UTF-16 unit. */
const BYTES_PER_CHAR_MAX = 3;
const TWO_TO_32 = 2 ** 32;
/** Longer text is encoded faster by the platform than character by character. */
const SHORT_TEXT_CHARS = 64;
const HASH_SEED = 0x9747b28c;

/**
 * Collects rows of one table in ClickHouse's RowBinary format, column by column, and their identity as it goes. Integers are little-endian; text is
 * UTF-8 after its length as a varint.
 */
export class RowBatch {
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  #rowStart = 0;
  #rows = 0;
  #high = 0;
  #low = 0;

  /** UInt8, or an Enum8 that is not negative. */
  uint8(value: number): this {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
    return this;
  }

  uint16(value: number): this {
    this.#reserve(2);
    this.#view.setUint16(this.#length, value, true);
    this.#length += 2;
    return this;
  }

  /** UInt32, or a DateTime in seconds. */
  uint32(value: number): this {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
    return this;
  }

  /** UInt64, Int64, or a DateTime64 in its own unit: any safe integer. */
  int64(value: number): this {
    this.#reserve(8);
    // setInt32 keeps the lower 32 bits of any integer
    this.#view.setInt32(this.#length, value, true);
    this.#view.setInt32(this.#length + 4, Math.floor(value / TWO_TO_32), true);
    this.#length += 8;
    return this;
  }

  /** Int128, or a Decimal(38, s) in units of 10^-s. */
  int128(value: bigint): this {
    this.#reserve(16);
    this.#view.setBigInt64(this.#length, BigInt.asIntN(64, value), true);
    this.#view.setBigInt64(this.#length + 8, BigInt.asIntN(64, value >> 64n), true);
    this.#length += 16;
    return this;
  }

  /** `digits`: hex digits of a FixedString, a whole number of 32-bit words. */
  hex(digits: string): this {
    this.#reserve(digits.length / 2);
    for (let at = 0; at < digits.length; at += 8) {
      this.#view.setInt32(this.#length, hexWord(digits, at));
      this.#length += 4;
    }
    return this;
  }

  text(text: string): this {
    const chars = text.length;
    this.#reserve(chars * BYTES_PER_CHAR_MAX + LENGTH_BYTES_MAX);
    if (chars > SHORT_TEXT_CHARS || !this.#shortAscii(text)) {
      this.#varint(Buffer.byteLength(text));
      this.#length += this.#bytes.write(text, this.#length);
    }
    return this;
  }

  /** Text that is UTF-8 already. */
  utf8(text: Uint8Array): this {
    this.#reserve(text.length + LENGTH_BYTES_MAX);
    this.#varint(text.length);
    this.#bytes.set(text, this.#length);
    this.#length += text.length;
    return this;
  }

  texts(texts: readonly string[]): this {
    this.#reserve(LENGTH_BYTES_MAX);
    this.#varint(texts.length);
    for (const text of texts) this.text(text);
    return this;
  }

  /** Ends the row with its last column, the row's hash: 16 hex digits, whose bytes become an UInt64. */
  endRow(rowHash: string): void {
    this.#endRow(hexWord(rowHash, 0), hexWord(rowHash, 8));
  }

  /**
   * Ends the row with a hash over its own bytes (MurmurHash3's mixing, two lanes): it tells rows that were lost or half written, by accident, from those
   * that are there. Nobody gains by forging one.
   */
  endRowHashed(): void {
    let high = HASH_SEED;
    let low = ~HASH_SEED;
    for (let at = this.#rowStart; at < this.#length; at += 1) {
      const byte = this.#bytes[at] ?? 0;
      high = Math.imul(high ^ byte, 0x85ebca6b);
      low = Math.imul(low ^ byte, 0xc2b2ae35);
      high ^= low >>> 13;
      low ^= high >>> 16;
    }
    this.#endRow(Math.imul(high ^ (low >>> 15), 0x2c1b3c6d), Math.imul(low ^ (high >>> 15), 0x297a2d39));
  }

  #endRow(high: number, low: number): void {
    this.#reserve(8);
    this.#view.setInt32(this.#length, high);
    this.#view.setInt32(this.#length + 4, low);
    this.#length += 8;
    this.#rowStart = this.#length;
    this.#rows += 1;
    this.#high ^= high;
    this.#low ^= low;
  }

  get rows(): number {
    return this.#rows;
  }

  /** The rows not taken yet. Valid until anything more is written. */
  get body(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** The bytes so far, which this batch lets go of; its rows and identity go on counting them. */
  take(): Uint8Array {
    const taken = this.body;
    this.#bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
    this.#view = new DataView(this.#bytes.buffer);
    this.#length = 0;
    this.#rowStart = 0;
    return taken;
  }

  /** As the usage store computes it: count() and groupBitXor(row_hash). */
  get identity(): RowIdentity {
    const bytes = new DataView(new ArrayBuffer(8));
    bytes.setInt32(0, this.#high);
    bytes.setInt32(4, this.#low);
    return { rows: this.#rows, xor: bytes.getBigUint64(0, true).toString() };
  }

  /** Writes text of one-byte characters; false, with nothing written, if it has others. */
  #shortAscii(text: string): boolean {
    const bytes = this.#bytes;
    let at = this.#length + 1;
    for (let n = 0; n < text.length; n += 1) {
      const code = text.charCodeAt(n);
      if (code > 0x7f) return false;
      bytes[at++] = code;
    }
    bytes[this.#length] = text.length;
    this.#length = at;
    return true;
  }

  #varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) + 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.body);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** Eight lower-case hex digits as 32 bits; a loop, because slicing and parsing text shows in profiles. */
export function hexWord(hex: string, from: number): number {
  let word = 0;
  for (let at = from; at < from + 8; at += 1) {
    const code = hex.charCodeAt(at);
    word = (word << 4) | (code < 58 ? code - 48 : code - 87);
  }
  return word;
}

export const NO_ROWS: RowIdentity = { rows: 0, xor: '0' };

export function sameIdentity(a: RowIdentity, b: RowIdentity): boolean {
  return a.rows === b.rows && a.xor === b.xor;
}
