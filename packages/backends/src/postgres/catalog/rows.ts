import type { Page, PageRequest } from '@meterline/pipeline/ports';

/** Timestamps come from the database as RFC 3339 text. */
export const epochMs = (text: string): number => Date.parse(text);
export const dateOrNull = (ms: number | null): Date | null => (ms === null ? null : new Date(ms));
export const epochMsOrNull = (text: string | null): number | null => (text === null ? null : Date.parse(text));

/** Makes a page of up to `limit + 1` rows, of which the last one only tells that there is more. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  request: PageRequest,
  item: (row: Row) => Item,
  key: (row: Row) => string,
): Page<Item> {
  const shown = rows.slice(0, request.limit);
  const last = shown.at(-1);
  return { items: shown.map(item), nextAfter: rows.length > request.limit && last !== undefined ? key(last) : null };
}
