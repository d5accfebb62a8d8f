import type { RowIdentity } from '../ports/segment-ledger.ts';

/** Collects rows of one table as JSONCompactEachRow lines, and their identity as it goes. */
export class RowBatch {
  readonly #lines: string[] = [];
  #high = 0;
  #low = 0;

  /** `rowHash`: 16 hex digits, also a column of the row. */
  add(line: string, rowHash: string): void {
    this.#lines.push(line);
    this.#high ^= Number.parseInt(rowHash.slice(0, 8), 16);
    this.#low ^= Number.parseInt(rowHash.slice(8), 16);
  }

  get rows(): number {
    return this.#lines.length;
  }

  get body(): string {
    return this.#lines.join('\n');
  }

  /** As the usage store computes it: count() and groupBitXor of `reinterpretAsUInt64(unhex(row_hex))`, which reads bytes little-endian. */
  get identity(): RowIdentity {
    const bytes = new DataView(new ArrayBuffer(8));
    bytes.setInt32(0, this.#high);
    bytes.setInt32(4, this.#low);
    return { rows: this.rows, xor: bytes.getBigUint64(0, true).toString() };
  }
}

export const NO_ROWS: RowIdentity = { rows: 0, xor: '0' };

export function sameIdentity(a: RowIdentity, b: RowIdentity): boolean {
  return a.rows === b.rows && a.xor === b.xor;
}
