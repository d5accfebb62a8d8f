import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type ClickHouseClient, parseError } from '@clickhouse/client';
import { retriedIfRefused } from './retry.ts';

const identifier = /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$/;

/**
 * Inserts rows that are already encoded in `format`, their values in the order of `columns`. The bytes go to the engine as they are; the
 * client's own `insert` would encode every row again. Resolves when the engine has the rows; any error leaves the outcome unknown, and
 * nothing was tried a second time but what the server refused outright. An empty body inserts nothing.
 */
export async function insertRows(
  client: ClickHouseClient,
  table: string,
  columns: readonly string[],
  body: Buffer | string,
  format: 'RowBinary' | 'JSONCompactEachRow',
  signal?: AbortSignal,
): Promise<void> {
  for (const name of [table, ...columns]) if (!identifier.test(name)) throw new TypeError(`not an identifier: ${name}`);
  if (body.length === 0) return;
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const answer = await retriedIfRefused(async () => {
    const { stream } = await client.exec({
      query: `INSERT INTO ${table} (${columns.join(', ')}) FORMAT ${format}`,
      values: Readable.from([bytes], { objectMode: false }),
      ...(signal === undefined ? {} : { abort_signal: signal }),
    });
    // Over HTTP the socket is free again only once the answer was read, and an answer that breaks off is none.
    return text(stream);
  });
  // The head of an answer can say 200 and the rest of it why the statement failed.
  if (answer.trim() !== '') throw parseError(answer);
}
