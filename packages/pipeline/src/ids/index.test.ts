import { expect, test } from 'vitest';
import { newId } from './index.ts';

test('ids carry their prefix, sort by time, and never repeat within a millisecond', () => {
  const nowMs = Date.parse('2026-11-22T01:20:10.123Z');
  expect(newId('sub', nowMs)).toMatch(/^sub_[0-9a-hjkmnp-tv-z]{26}$/);
  expect(newId('sub', nowMs) < newId('sub', nowMs + 1)).toBe(true);
  expect(newId('sub', 0) < newId('sub', 8.64e15)).toBe(true);
  expect(new Set(Array.from({ length: 2000 }, () => newId('sub', nowMs))).size).toBe(2000);
});
