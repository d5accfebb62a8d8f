import type { Client, Query } from './client.ts';

const ITEMS_PER_PAGE = 1000;

interface ListPage {
  readonly items: readonly unknown[];
  readonly nextCursor: string | null;
}

/** Every item of a list, page by page. */
export async function* itemsOf(client: Client, path: string, query: Query = {}): AsyncIterable<unknown> {
  let cursor: string | undefined;
  do {
    const page = (await client.get(path, { limit: ITEMS_PER_PAGE, ...query, cursor })) as ListPage;
    yield* page.items;
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
}

/** The whole of a list that a person can still read. */
export async function allItems(client: Client, path: string, query: Query = {}): Promise<unknown[]> {
  const items: unknown[] = [];
  for await (const item of itemsOf(client, path, query)) items.push(item);
  return items;
}
