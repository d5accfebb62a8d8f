import fc from 'fast-check';
import { expect, it } from 'vitest';
import { chainOf, isBelow } from './chain.ts';
import { placeOf, stepsOf, versionEnds } from './layout.ts';

const cutsUpTo = (end: number[]) => fc.array(fc.tuple(...end.map((most) => fc.nat(most))), { maxLength: 8 });

it('keeps every exact cut of one partition, and every loose one, in order and once', () => {
  fc.assert(
    fc.property(cutsUpTo([50]), cutsUpTo([50]), (exact, loose) => {
      const chain = chainOf({ exact, loose }, [50]).map(([offset]) => offset);
      expect(chain).toEqual([...new Set([...exact, ...loose, [50]].flat())].toSorted((a, b) => a - b));
    }),
  );
});

it('orders cuts of several partitions so that each lies below the next, or says which two do not', () => {
  fc.assert(
    fc.property(cutsUpTo([5, 5, 5]), cutsUpTo([5, 5, 5]), (exact, loose) => {
      const end = [5, 5, 5];
      const isChain = exact.every((a) => exact.every((b) => isBelow(a, b) || isBelow(b, a)));
      if (!isChain) {
        expect(() => chainOf({ exact, loose }, end)).toThrow(/neither lies below the other/);
        return;
      }
      const chain = chainOf({ exact, loose }, end);
      for (const [index, cut] of chain.entries()) expect(isBelow(cut, chain[index + 1] ?? end)).toBe(true);
      for (const cut of exact) expect(chain).toContainEqual(cut);
      expect(chain.at(-1)).toEqual(end);
    }),
  );
});

it('finds an exact cut at its place, and one that fits nowhere at the next place that has all below it', () => {
  const layout = {
    end: [4, 6],
    places: [
      { from: [0, 3], to: [1, 2] },
      { from: [5, 5], to: [4, 6] },
    ],
  };
  expect(placeOf(layout, [0, 3])).toEqual([1, 2]);
  expect(placeOf(layout, [1, 0])).toEqual([4, 6]);
  expect(placeOf(layout, [0, 99])).toEqual([4, 6]);
});

it('ends a version of the configuration where, in each partition, the first segment of a later one begins', () => {
  const segment = (partition: number, start: number, end: number, configVersion: number) => ({
    partition,
    start,
    end,
    configVersion,
  });
  const segments = [[segment(0, 0, 3, 1), segment(0, 3, 9, 4)], [segment(1, 0, 2, 2)], []];
  expect(versionEnds(segments, [9, 2, 0])).toEqual([
    { configVersion: 1, end: [3, 0, 0] },
    { configVersion: 2, end: [3, 2, 0] },
    { configVersion: 4, end: [9, 2, 0] },
  ]);
});

it('ends a step at every cut, with the version that is read up to there', () => {
  const versions = [
    { configVersion: 1, end: [3, 2] },
    { configVersion: 4, end: [9, 2] },
  ];
  expect(
    stepsOf(versions, [
      [5, 2],
      [0, 0],
      [3, 2],
      [1, 2],
      [5, 2],
      [9, 2],
    ]),
  ).toEqual([
    { configVersion: 1, end: [1, 2] },
    { configVersion: 1, end: [3, 2] },
    { configVersion: 4, end: [5, 2] },
    { configVersion: 4, end: [9, 2] },
  ]);
});
