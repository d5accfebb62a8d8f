import { Fault } from '@meterline/domain/faults';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { decodeCursor, encodeCursor, pageOf, pageQuery } from './index.ts';

it('walks any list page by page without losing or repeating an item', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(10_000), { maxLength: 50 }), fc.integer({ min: 1, max: 12 }), (ids, limit) => {
      const sorted = ids.toSorted((a, b) => a - b);
      const seen: number[] = [];
      let cursor: string | null | undefined;
      while (cursor !== null) {
        const [after] = decodeCursor(cursor, z.tuple([z.number()])) ?? [-1];
        const page = pageOf(sorted.filter((id) => id > after).slice(0, limit + 1), limit, (id) => [id]);
        seen.push(...page.items);
        cursor = page.nextCursor;
      }
      expect(seen).toEqual(sorted);
    }),
  );
});

it.each(['', '!!!', 'bm90IGpzb24', encodeCursor(['text'])])('refuses the cursor %j that no list gave', (cursor) => {
  expect(() => decodeCursor(cursor, z.tuple([z.number()]))).toThrow(Fault);
});

it('takes 1 to 1000 items a page, 100 unless told', () => {
  const query = z.object(pageQuery);
  expect(query.parse({}).limit).toBe(100);
  expect(query.parse({ limit: '7' }).limit).toBe(7);
  for (const limit of ['0', '1001', '1.5', 'many', '']) expect(query.safeParse({ limit }).success).toBe(false);
});
