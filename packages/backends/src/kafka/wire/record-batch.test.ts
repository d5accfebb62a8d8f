import { createRequire } from 'node:module';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { crc32c } from './crc32c.ts';
import { batchesOf, encodeBatch, messagesOf } from './record-batch.ts';

const load = createRequire(import.meta.url);
interface KafkajsRecord {
  offset: string;
  value: Buffer;
  headers: Record<string, Buffer>;
}
const kafkajs = {
  crc32c: load('kafkajs/src/protocol/recordBatch/crc32C/index.js') as (bytes: Buffer) => number,
  Decoder: load('kafkajs/src/protocol/decoder.js') as new (bytes: Buffer) => object,
  decodeBatch: load('kafkajs/src/protocol/recordBatch/v0/decoder.js') as (
    decoder: object,
  ) => Promise<{ records: KafkajsRecord[] }>,
  Record: load('kafkajs/src/protocol/recordBatch/record/v0/index.js') as (record: object) => object,
  encode: (
    load('kafkajs/src/protocol/recordBatch/v0/index.js') as { RecordBatch: (batch: object) => Promise<{ buffer: Buffer }> }
  ).RecordBatch,
  codecs: (load('kafkajs') as { CompressionCodecs: Record<number, () => object> }).CompressionCodecs,
};

const noHeaders = Buffer.from([0]);

it('computes the checksum Kafka expects, for every length', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => crc32c(Buffer.from(bytes)) === kafkajs.crc32c(Buffer.from(bytes))),
  );
});

it('writes batches that another implementation reads', async () => {
  const { zstdDecompressSync } = await import('node:zlib');
  kafkajs.codecs[4] = () => ({ decompress: async (packed: Buffer) => zstdDecompressSync(packed) });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 200 }), async (values) => {
      const headers = Buffer.from([2, 2, 0x61, 4, 0x62, 0x63]);
      const batch = await encodeBatch(
        values.map((value) => ({ headers, value })),
        5,
      );
      const { records } = await kafkajs.decodeBatch(new kafkajs.Decoder(batch));
      expect(records.map(({ offset, value, headers: { a } }) => [offset, value.toString('hex'), a?.toString()])).toEqual(
        values.map((value, index) => [String(index), Buffer.from(value).toString('hex'), 'bc']),
      );
    }),
    { numRuns: 50 },
  );
});

it.each([0, 1])('reads batches that another implementation wrote, packed with codec %i', async (compression) => {
  const sent = [
    { key: Buffer.from('k'), value: Buffer.from('one'), headers: { h: 'x' } },
    { key: null, value: null, headers: {} },
    { key: null, value: Buffer.alloc(70_000, 'y'), headers: {} },
  ];
  const records = sent.map((record, offsetDelta) =>
    kafkajs.Record({ ...record, offsetDelta, timestampDelta: offsetDelta * 1_000 }),
  );
  const encoded = await kafkajs.encode({
    compression,
    records,
    firstOffset: 40,
    lastOffsetDelta: 2,
    firstTimestamp: 7,
    maxTimestamp: 9,
  });
  const [batch, ...others] = batchesOf(Buffer.concat([encoded.buffer, encoded.buffer.subarray(0, 100)]));
  expect(others).toEqual([]);
  expect(batch).toMatchObject({ firstOffset: 40, nextOffset: 43, timestampMs: 9, inTransaction: false, control: false });
  const messages = batch === undefined ? [] : await messagesOf(batch);
  expect(messages.map(({ offset, value, headers }) => [offset, value?.length, headers.toString('hex')])).toEqual([
    [40, 3, '02026802' + '78'],
    [41, undefined, '00'],
    [42, 70_000, '00'],
  ]);
});

it('refuses a batch with a changed byte', async () => {
  const batch = await encodeBatch([{ headers: noHeaders, value: Buffer.from('value') }], 1);
  batch[batch.length - 3] = (batch[batch.length - 3] ?? 0) ^ 1;
  expect(() => [...batchesOf(batch)]).toThrow('wrong checksum');
});
