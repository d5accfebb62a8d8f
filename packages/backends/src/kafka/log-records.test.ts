import { LogGapError, type LogRecord } from '@meterline/pipeline/ports';
import { expect, it } from 'vitest';
import { createRecordReader } from './log-records.ts';
import { encodeHeaders } from './message-headers.ts';
import { batchesOf, encodeBatch } from './wire/record-batch.ts';
import { crc32c } from './wire/crc32c.ts';

const unlimited = { recordsMax: 100, bytesMax: 1e9 };
const headers = encodeHeaders({ tenant: 't', appendedAtMs: 1 }, 'event');

/** A batch of three messages as compaction leaves it when it removed what followed. */
async function compacted() {
  const bytes = await encodeBatch(
    ['a', 'b', 'c'].map((text) => ({ headers, value: Buffer.from(text) })),
    1,
  );
  bytes.writeInt32BE(3, 23);
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17);
  const [batch] = batchesOf(bytes);
  if (batch === undefined) throw new Error('no batch');
  return batch;
}

it('gives what stands before an offset that compaction removed, and fails there instead of going on behind it', async () => {
  const reader = createRecordReader(0, 1, undefined);
  const records: LogRecord[] = [];
  await reader.take(records, await compacted(), 1, unlimited);
  expect(records.map(({ offset, value }) => [offset, Buffer.from(value).toString()])).toEqual([
    [1, 'b'],
    [2, 'c'],
  ]);
  await expect(reader.take([], await compacted(), 3, unlimited)).rejects.toThrow(LogGapError);
});
