import type { Page, PageRequest } from '@meterline/pipeline/ports';
import { decodeCursor, encodeCursor } from '@meterline/runtime/paging';
import { z } from 'zod';

/** Lists go by key or id; no control characters, which the database would refuse. */
const position = z.tuple([z.string().regex(/^\P{Cc}*$/u)]);

export function pageRequest(
  query: { limit: number; cursor?: string | undefined },
  shape: z.ZodType<[string]> = position,
): PageRequest {
  return { limit: query.limit, after: decodeCursor(query.cursor, shape)?.[0] ?? null };
}

export function pageAnswer<Item, Shown>(
  page: Page<Item>,
  show: (item: Item) => Shown,
): { items: Shown[]; nextCursor: string | null } {
  return { items: page.items.map(show), nextCursor: page.nextAfter === null ? null : encodeCursor([page.nextAfter]) };
}
