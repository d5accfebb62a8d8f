import { expect, test } from 'vitest';
import { dayTold, daysTold, untilTold } from './index.ts';

const document = (timezone?: string) => ({ customer: { key: 'c', name: 'C', subjects: [], ...(timezone && { timezone }) } });
const period = { from: '2026-07-23T22:00:00Z', to: '2026-10-23T22:00:00Z' };

test('a document tells the days of its customer, first and last of them, not instants of UTC', () => {
  expect(daysTold(document('Europe/Berlin'), period)).toBe('2026-07-24 to 2026-10-23, Europe/Berlin');
  expect(daysTold(document('UTC'), { from: '2026-01-01T00:00:00Z', to: '2026-02-01T00:00:00Z' })).toBe('2026-01-01 to 2026-01-31, UTC'); // prettier-ignore
  expect(daysTold(document('Asia/Kolkata'), { from: '2026-06-30T18:30:00Z', to: '2026-07-01T18:30:00Z' })).toBe('2026-07-01, Asia/Kolkata'); // prettier-ignore
  expect(dayTold(document('Europe/Berlin'), period.from)).toBe('2026-07-24');
});

test('what is billed so far ends with a whole day, or at a minute of it', () => {
  expect(untilTold(document('Europe/Berlin'), '2026-09-30T22:00:00Z')).toBe('2026-09-30');
  expect(untilTold(document('Europe/Berlin'), '2026-08-12T12:03:59.999Z')).toBe('2026-08-12 14:03');
});

test('one that does not state the zone tells its instants, and days of UTC', () => {
  expect(daysTold(document(), period)).toBe('2026-07-23T22:00:00Z up to 2026-10-23T22:00:00Z');
  expect(untilTold(document(), '2026-09-30T22:00:00Z')).toBe('2026-09-30T22:00:00Z');
  expect(dayTold(document(), period.from)).toBe('2026-07-23');
});
