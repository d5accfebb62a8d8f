import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RowBatch } from './row-batch.ts';
import { RowReader } from './rows.fixture.ts';

const HASH = '0123456789abcdef';
const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ maxLength: 300 }),
  fc.string({ minLength: 60, maxLength: 130 }),
);
const int128 = fc.bigInt({ min: -(2n ** 127n), max: 2n ** 127n - 1n });

describe('RowBatch', () => {
  it('writes every value so that the engine reads the same one', () => {
    const values = fc.tuple(text, fc.maxSafeInteger(), int128, fc.array(text, { maxLength: 5 }), fc.nat({ max: 0xffffffff }));
    fc.assert(
      fc.property(fc.array(values, { maxLength: 20 }), (rows) => {
        const batch = new RowBatch();
        for (const [name, n, amount, list, word] of rows) {
          batch.text(name).int64(n).int128(amount).texts(list).uint32(word).uint16(word & 0xffff).uint8(word & 0x7f).utf8(Buffer.from(name)); // prettier-ignore
          batch.hex(HASH + HASH).endRow(HASH);
        }
        const reader = new RowReader(batch.body);
        for (const [name, n, amount, list, word] of rows) {
          expect([reader.text(), reader.int64(), reader.int128()]).toEqual([name, BigInt(n), amount]);
          expect(reader.texts()).toEqual(list);
          expect([reader.uint(4), reader.uint(2), reader.uint(1)]).toEqual([word, word & 0xffff, word & 0x7f]);
          expect([reader.text(), reader.hex(16), reader.hex(8)]).toEqual([name, HASH + HASH, HASH]);
        }
        expect(reader.isAtEnd).toBe(true);
      }),
    );
  });

  it('identifies its rows by their number and the XOR of their hashes, whether or not they were taken meanwhile', () => {
    const batch = new RowBatch();
    batch.uint8(1).endRow('ffffffffffffffff');
    const first = batch.take();
    batch.uint8(2).endRow('000000000000000f');
    // as little-endian integer, 0x00..0f reversed byte for byte is 0x0f00..00
    expect(batch.identity).toEqual({ rows: 2, xor: String(0xffffffffffffffffn ^ 0x0f00000000000000n) });
    expect([first.length, batch.body.length]).toEqual([9, 9]);
  });

  it('gives rows that differ in any byte different hashes, and the same row the same hash', () => {
    const hashOf = (value: Uint8Array) => {
      const batch = new RowBatch();
      batch.utf8(value).endRowHashed();
      return batch.identity.xor;
    };
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(bytes, fc.nat(), fc.integer({ min: 1, max: 255 }), (row, where, flip) => {
        const other = Uint8Array.from(row);
        const at = where % row.length;
        other[at] = (row[at] ?? 0) ^ flip;
        expect(hashOf(row)).toBe(hashOf(Uint8Array.from(row)));
        expect(hashOf(other)).not.toBe(hashOf(row));
      }),
      { numRuns: 1_000 },
    );
  });

  it('hashes many rows that differ in one digit without two alike', () => {
    const ROWS = 200_000;
    const batch = new RowBatch();
    for (let n = 0; n < ROWS; n += 1) batch.text('default').text('customer-1').int64(n).endRowHashed();
    const reader = new RowReader(batch.body);
    const seen = new Set<string>();
    while (!reader.isAtEnd) {
      reader.text();
      reader.text();
      reader.int64();
      seen.add(reader.hex(8));
    }
    expect(seen.size).toBe(ROWS);
  });
});
