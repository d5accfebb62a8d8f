import { Fault } from '@meterline/domain/faults';
import { z } from 'zod';

const LIMIT_MAX = 1000;

/** `?limit=&cursor=` of every list. Spread it into a route's query schema. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(LIMIT_MAX).default(100).describe(`Items a page, at most ${LIMIT_MAX}`),
  cursor: z.string().max(2048).optional().describe('nextCursor of the page before'),
};

export interface Page<T> {
  readonly items: T[];
  /** Null on the last page. */
  readonly nextCursor: string | null;
}

/** Response schema of a list of `item`. */
export function pageSchema<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() });
}

/** The position after which the next page starts, as an opaque text. */
export function encodeCursor(position: readonly (string | number | null)[]): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/** The position in a cursor (undefined on the first page), checked against `shape`. Fails with `page.invalid_cursor`. */
export function decodeCursor<T extends z.ZodType>(cursor: string | undefined, shape: T): z.output<T> | undefined {
  if (cursor === undefined) return undefined;
  try {
    return shape.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
  } catch (cause) {
    const errors = [{ path: 'cursor', message: 'is not a nextCursor that this list has given' }];
    throw new Fault('invalid', 'page.invalid_cursor', 'The cursor is not valid.', { errors, cause });
  }
}

/** A page from `limit + 1` fetched rows: the extra one only tells that there is more. */
export function pageOf<T>(
  rows: readonly T[],
  limit: number,
  positionOf: (last: T) => readonly (string | number | null)[],
): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last !== undefined ? encodeCursor(positionOf(last)) : null };
}
