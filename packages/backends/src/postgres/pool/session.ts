import type { PoolClient, QueryConfig, QueryResultRow } from 'pg';
import type { SqlValue } from '@meterline/pipeline/ports';
import { encodeParam, parseValue } from '../values.ts';
import { isConnectionError, unreachable } from './errors.ts';

/** What a statement came to: its rows, and PostgreSQL's command tag (`UPDATE`, `COMMIT`, `ROLLBACK`). */
export interface Answered<Row> {
  readonly rows: Row[];
  readonly command: string;
}

/** One connection. Statements are sent one after the other, in the order of the calls. */
export interface Session {
  query<Row extends object>(sql: string, params?: readonly SqlValue[]): Promise<Answered<Row>>;
  /** Several statements without parameters. */
  exec(script: string): Promise<void>;
  /** The connection was lost: it cannot be used any more, and the server rolls back what was open. */
  isLost(): boolean;
}

/** Scripts are migrations, which set their own limits. The longest a timer can wait. */
const NO_TIMEOUT_MS = 2 ** 31 - 1;

/** Text as it comes from the server, parsed as `Database` promises. */
const types = { getTypeParser: (oid: number) => (text: string) => parseValue(oid, text) };

export function sessionOn(client: PoolClient): Session {
  let last: Promise<unknown> = Promise.resolve();
  let isLost = false;

  /** node-postgres wants each statement to wait for the one before. */
  async function inTurn<T>(send: () => Promise<T>): Promise<T> {
    const mine = last.then(send);
    last = mine.catch(() => undefined);
    try {
      return await mine;
    } catch (error) {
      if (!isConnectionError(error)) throw error;
      isLost = true;
      throw unreachable(error);
    }
  }

  return {
    query: <Row extends object>(text: string, params: readonly SqlValue[] = []): Promise<Answered<Row>> =>
      inTurn(async () => {
        // `extended` also without parameters: one statement a call, as on the embedded store. (The typings do not know it.)
        const config: QueryConfig & { queryMode: 'extended' } = {
          text,
          values: params.map(encodeParam),
          types,
          queryMode: 'extended',
        };
        const { rows, command } = await client.query<Row & QueryResultRow>(config);
        return { rows, command };
      }),
    exec: (script) =>
      inTurn(async () => {
        const config: QueryConfig & { query_timeout: number } = { text: script, query_timeout: NO_TIMEOUT_MS };
        await client.query(config);
      }),
    isLost: () => isLost,
  };
}
