import type { AppendBatch, LogRecord } from '@meterline/pipeline/ports';
import { expect, it } from 'vitest';
import { decodeInto, encodeFrame, recordCount } from './frame.ts';

const unlimited = { recordsMax: 100, bytesMax: 1e9 };
const batch: AppendBatch = {
  partition: 0,
  tenant: 'acme',
  appendedAtMs: 1.7e12,
  records: [
    { kind: 'event', value: Buffer.from('one') },
    { kind: 'void', value: Buffer.alloc(0) },
    { kind: 'replace', value: Buffer.from('three') },
  ],
};
const frame = encodeFrame(batch);

it('keeps offsets beyond 32 bits', () => {
  const records: LogRecord[] = [];
  decodeInto(records, frame, 2 ** 40, 2 ** 40 + 1, unlimited);
  expect(records.map(({ offset, kind }) => [offset, kind])).toEqual([
    [2 ** 40 + 1, 'void'],
    [2 ** 40 + 2, 'replace'],
  ]);
});

it('stays readable: the layout of version 1 does not change', () => {
  expect(frame.toString('hex')).toBe(
    '01000400' +
      '03000000' +
      '00008056febc7842' +
      '03000000' +
      '00000000' +
      '05000000' +
      '000102' +
      '61636d65' +
      '6f6e65' +
      '7468726565',
  );
});

it("has the tenant's time only where that is another one: version 2", () => {
  expect(encodeFrame({ ...batch, receivedAtMs: 1.7e12 })).toEqual(frame);
  expect(encodeFrame({ ...batch, receivedAtMs: 0 }).toString('hex')).toBe(
    '02' + frame.toString('hex', 1, 16) + '0000000000000000' + frame.toString('hex', 16),
  );
});

it('refuses a layout it does not know', () => {
  const unknown = Buffer.from(frame);
  unknown[0] = 3;
  expect(() => recordCount(unknown)).toThrow('unknown layout');
});
