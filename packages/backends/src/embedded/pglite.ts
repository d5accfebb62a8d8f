import { AsyncLocalStorage } from 'node:async_hooks';
import fs from 'node:fs';
import path from 'node:path';
import { Fault } from '@meterline/domain/faults';
import type { SqlValue } from '@meterline/pipeline/ports';
import { attributed } from '../postgres/audit/attributed.ts';
import type { ScriptDatabase, ScriptExecutor } from '../postgres/script-database.ts';
import { encodeParam, parseValue } from '../postgres/values.ts';
import { lockFolder } from './folder-lock.ts';
import { connect, PostgresError, type Connection } from './pglite/connection.ts';
import type { Answer } from './pglite/messages.ts';
import { templateFile } from './pglite/template.ts';
import { createTurns, type Turns } from './pglite/turns.ts';

export interface EmbeddedPostgres extends ScriptDatabase {
  /** For adapters that speak to the one session themselves: take a turn, send, end the turn. */
  readonly session: { readonly turns: Turns; readonly connection: Connection; readonly assertOutsideTransaction: () => void };
}

/**
 * Opens PostgreSQL inside this process, in a thread of its own. `folder` (made if missing) is locked against a second opening; null
 * keeps everything in memory, for tests. Every commit is on disk before it is answered. There is one session: transactions run one
 * after the other, and what is called from outside waits for the transaction before it; calling the database itself (not `tx`) from
 * inside a transaction is refused with `database.nested_query`, as it would wait for itself.
 * `onFailure` is called once if the thread dies; from then on every call rejects with `billing_store.stopped`.
 */
export async function openPglite(options: {
  folder: string | null;
  onFailure?: (error: Error) => void;
}): Promise<EmbeddedPostgres> {
  const { folder, onFailure = () => undefined } = options;
  if (folder !== null) fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lock = folder === null ? undefined : lockFolder(folder);
  try {
    const connection = await connect(
      {
        folder: folder === null ? null : path.join(folder, 'pgdata'),
        templateFile: fs.existsSync(templateFile) ? templateFile : null,
      },
      onFailure,
    );
    return attributed(createDatabase(connection, () => lock?.release()));
  } catch (error) {
    lock?.release();
    throw error;
  }
}

function createDatabase(connection: Connection, onClosed: () => void): EmbeddedPostgres {
  const turns = createTurns();
  const current = new AsyncLocalStorage<{ isOpen: boolean }>();

  const assertOutsideTransaction = (): void => {
    if (current.getStore()?.isOpen !== true) return;
    throw new Fault('unavailable', 'database.nested_query', 'inside a transaction only its own `tx` may be used');
  };
  /** Answers come in the order of sending, so the turn ends when the statement is on its way. */
  const sendAlone = async (sql: string, params: readonly SqlValue[] | null): Promise<Answer> => {
    assertOutsideTransaction();
    const endTurn = await turns.take();
    const answer = connection.send({ sql, params: params?.map(encodeParam) ?? null });
    endTurn();
    return await answer;
  };

  return {
    async query<Row extends object>(sql: string, params: readonly SqlValue[] = []) {
      return rowsOf<Row>(await sendAlone(sql, params));
    },
    async exec(script) {
      await sendAlone(script, null);
    },
    async transaction<T>(work: (tx: ScriptExecutor) => Promise<T>): Promise<T> {
      assertOutsideTransaction();
      const endTurn = await turns.take();
      const state = { isOpen: true };
      try {
        return await current.run(state, () => runTransaction(connection, state, work, endTurn));
      } finally {
        endTurn();
      }
    },
    async close() {
      const endTurn = await turns.take();
      const closed = connection.close();
      endTurn();
      await closed;
      onClosed();
    },
    session: { turns, connection, assertOutsideTransaction },
  };
}

async function runTransaction<T>(
  connection: Connection,
  state: { isOpen: boolean },
  work: (tx: ScriptExecutor) => Promise<T>,
  endTurn: () => void,
): Promise<T> {
  const send = async (sql: string, params: readonly SqlValue[] | null): Promise<Answer> => {
    if (!state.isOpen) throw new Fault('unavailable', 'database.transaction_ended', 'the transaction has ended');
    return await connection.send({ sql, params: params?.map(encodeParam) ?? null });
  };
  const end = (command: 'commit' | 'rollback'): Promise<Answer> => {
    state.isOpen = false;
    const answer = connection.send({ sql: command, params: [] });
    endTurn();
    return answer;
  };
  // `begin` travels with the first statement; if it fails, so does everything after it.
  connection.send({ sql: 'begin', params: [] }).catch(() => undefined);
  let result: T;
  try {
    result = await work({
      query: async (sql, params = []) => rowsOf(await send(sql, params)),
      exec: async (script) => {
        await send(script, null);
      },
    });
  } catch (error) {
    // The cause matters more than a rollback that failed because the store has stopped, which rolls back as well.
    await end('rollback').catch(() => undefined);
    throw error;
  }
  const { command } = await end('commit');
  if (command !== 'COMMIT') {
    throw new PostgresError({ message: 'the transaction was rolled back: one of its statements had failed', code: '25P02' });
  }
  return result;
}

/** The rows of an answer as `Database` promises them. */
export function rowsOf<Row extends object>({ columns, oids, values }: Answer): Row[] {
  const rows: Row[] = [];
  const width = columns.length;
  for (let at = 0; width > 0 && at < values.length; at += width) {
    const row: Record<string, unknown> = {};
    for (const [index, column] of columns.entries()) {
      const value = values[at + index] ?? null;
      row[column] = value === null ? null : parseValue(oids[index] ?? 0, value);
    }
    rows.push(row as Row);
  }
  return rows;
}
