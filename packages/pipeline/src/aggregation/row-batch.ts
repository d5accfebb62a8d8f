import type { RowIdentity } from '../ports/segment-ledger.ts';

const FIRST_BYTES = 1 << 16;
/** UTF-8 takes at most three bytes for a UTF-16 unit. */
const BYTES_PER_CHAR_MAX = 3;
const BRACKET = 0x5d;
const NEWLINE = 0x0a;

/** Collects rows of one table as JSONCompactEachRow bytes, and their identity as it goes. */
export class RowBatch {
  #bytes = Buffer.allocUnsafeSlow(0);
  #length = 0;
  #rows = 0;
  #high = 0;
  #low = 0;

  /** `row`: a JSON array. `rowHash`: 16 hex digits, also a column of the row. */
  add(row: string, rowHash: string): void {
    this.#reserve(row.length * BYTES_PER_CHAR_MAX + 1);
    this.#length += this.#bytes.write(row, this.#length);
    this.#endRow(rowHash);
  }

  /** A row whose last column is a JSON object that is stored as it stands; `open` is the array up to it, with its comma. */
  addWithObject(open: string, object: Uint8Array, rowHash: string): void {
    this.#reserve(open.length * BYTES_PER_CHAR_MAX + object.length + 2);
    this.#length += this.#bytes.write(open, this.#length);
    this.#bytes.set(object, this.#length);
    this.#length += object.length;
    this.#bytes[this.#length++] = BRACKET;
    this.#endRow(rowHash);
  }

  get rows(): number {
    return this.#rows;
  }

  /** One line a row, each ended. Valid until the next `add`. */
  get body(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** As the usage store computes it: count() and groupBitXor of `reinterpretAsUInt64(unhex(row_hex))`, which reads bytes little-endian. */
  get identity(): RowIdentity {
    const bytes = new DataView(new ArrayBuffer(8));
    bytes.setInt32(0, this.#high);
    bytes.setInt32(4, this.#low);
    return { rows: this.#rows, xor: bytes.getBigUint64(0, true).toString() };
  }

  #endRow(rowHash: string): void {
    this.#bytes[this.#length++] = NEWLINE;
    this.#rows += 1;
    this.#high ^= hexWord(rowHash, 0);
    this.#low ^= hexWord(rowHash, 8);
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, needed, this.#bytes.length * 2));
    grown.set(this.body);
    this.#bytes = grown;
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
