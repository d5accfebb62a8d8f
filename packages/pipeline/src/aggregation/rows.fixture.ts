import type { UsageTable } from '../ports/segment-ledger.ts';
import { ROW_COLUMNS } from './usage-rows.ts';

export type Value = number | bigint | string | string[];

/** Reads RowBinary as the engine does, one value after another. */
export class RowReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(body: Uint8Array) {
    this.#bytes = Buffer.from(body);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  uint(bytes: 1 | 2 | 4): number {
    return this.#bytes.readUIntLE(this.#skip(bytes), bytes);
  }

  int64(): bigint {
    return this.#bytes.readBigInt64LE(this.#skip(8));
  }

  int128(): bigint {
    const low = this.#bytes.readBigUInt64LE(this.#skip(8));
    return (this.int64() << 64n) | low;
  }

  hex(bytes: number): string {
    const from = this.#skip(bytes);
    return this.#bytes.toString('hex', from, from + bytes);
  }

  text(): string {
    const length = this.#varint();
    const from = this.#skip(length);
    return this.#bytes.toString('utf8', from, from + length);
  }

  texts(): string[] {
    return Array.from({ length: this.#varint() }, () => this.text());
  }

  #varint(): number {
    for (let value = 0, shift = 1; ; shift *= 0x80) {
      const byte = this.uint(1);
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return value;
    }
  }

  #skip(bytes: number): number {
    this.#at += bytes;
    return this.#at - bytes;
  }
}

const TYPES: Readonly<Record<string, (reader: RowReader) => Value>> = {
  ...Object.fromEntries(
    'tenant type subject meter code detail payload'.split(' ').map((name) => [name, (r: RowReader) => r.text()]),
  ),
  ...Object.fromEntries('partition'.split(' ').map((name) => [name, (r: RowReader) => r.uint(2)])),
  ...Object.fromEntries('minute origin config_version'.split(' ').map((name) => [name, (r: RowReader) => r.uint(4)])),
  ...Object.fromEntries('kind status aggregation writer'.split(' ').map((name) => [name, (r: RowReader) => r.uint(1)])),
  ...Object.fromEntries('dims uniques'.split(' ').map((name) => [name, (r: RowReader) => r.texts()])),
  id_hash: (reader) => reader.hex(16),
  row_hash: (reader) => reader.hex(8),
  value: (reader) => reader.int128(),
};

/** The rows of a table by column; 64-bit columns come as bigint. */
export function readRows(table: UsageTable, body: Uint8Array): Record<string, Value>[] {
  const reader = new RowReader(body);
  const rows: Record<string, Value>[] = [];
  while (!reader.isAtEnd) {
    rows.push(Object.fromEntries(ROW_COLUMNS[table].map((name) => [name, TYPES[name]?.(reader) ?? reader.int64()])));
  }
  return rows;
}
