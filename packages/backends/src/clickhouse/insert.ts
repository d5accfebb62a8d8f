import { Readable } from 'node:stream';
import type { ClickHouseClient } from '@clickhouse/client';

const identifier = /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$/;

/**
 * Inserts rows that are already encoded: `body` holds one JSON array per line (JSONCompactEachRow), its values in the order of
 * `columns`. The bytes go to the engine as they are; the client's own `insert` would encode every row again. Resolves when the
 * engine has the rows; a `ClickHouseError` or a connection error leaves the outcome unknown. An empty body inserts nothing.
 */
export async function insertRows(
  client: ClickHouseClient,
  table: string,
  columns: readonly string[],
  body: Buffer | string,
  signal?: AbortSignal,
): Promise<void> {
  for (const name of [table, ...columns]) if (!identifier.test(name)) throw new TypeError(`not an identifier: ${name}`);
  if (body.length === 0) return;
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const { stream } = await client.exec({
    query: `INSERT INTO ${table} (${columns.join(', ')}) FORMAT JSONCompactEachRow`,
    values: Readable.from([bytes], { objectMode: false }),
    ...(signal === undefined ? {} : { abort_signal: signal }),
  });
  // The answer is empty, but over HTTP the socket is free again only once it was read.
  stream.resume();
  await new Promise<void>((resolve, reject) => {
    stream.once('end', resolve).once('close', resolve).once('error', reject);
  });
}
