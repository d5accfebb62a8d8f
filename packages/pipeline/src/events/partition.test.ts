import { expect, it } from 'vitest';
import { partitionOf } from './index.ts';

it('gives every id one partition that never changes', () => {
  expect(partitionOf('default', 'shop', 'evt-1', 1)).toBe(0);
  // Pinned: another value would send duplicates of stored events elsewhere.
  expect([
    partitionOf('default', 'shop', 'evt-1', 64),
    partitionOf('default', 'shop', 'evt-2', 64),
    partitionOf('t', 's', 'ü', 7),
  ]).toEqual([48, 56, 2]);
});

it('tells tenant, source and id apart', () => {
  const partitions = [partitionOf('a', 'bc', 'd', 1e6), partitionOf('ab', 'c', 'd', 1e6), partitionOf('a', 'b', 'cd', 1e6)];
  expect(new Set(partitions).size).toBe(3);
});

it('spreads ids evenly', () => {
  const counts = new Array<number>(8).fill(0);
  for (let n = 0; n < 8_000; n += 1) {
    const partition = partitionOf('t', 's', `id-${n}`, 8);
    counts[partition] = (counts[partition] ?? 0) + 1;
  }
  for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(150);
});
