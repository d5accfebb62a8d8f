import { AsyncLocalStorage } from 'node:async_hooks';
import { Fault } from '@meterline/domain/faults';
import type { SqlValue } from '@meterline/pipeline/ports';
import pg from 'pg';
import { attributed } from './audit/attributed.ts';
import { isDeadlock, unreachable } from './pool/errors.ts';
import { sessionOn, type Session } from './pool/session.ts';
import { runTransaction } from './pool/transaction.ts';
import type { ScriptDatabase, ScriptExecutor } from './script-database.ts';

export interface PostgresOptions {
  /** `postgres://user:password@host:5432/database?sslmode=...` */
  readonly url: string;
  /** Connections at a time. Default 10. */
  readonly poolMax?: number;
  /** How long a call waits for a connection, new or given back. Default 5,000 ms. */
  readonly connectTimeoutMs?: number;
  /** The server breaks a statement off after this (SQLSTATE 57014), waiting for locks included. Default 30,000 ms. */
  readonly statementTimeoutMs?: number;
  /** The server ends a transaction whose process says nothing for this long, so that a frozen one does not keep its locks. Default 5,000 ms. */
  readonly idleInTransactionTimeoutMs?: number;
  /** Shown in `pg_stat_activity`. Default `meterline`. */
  readonly applicationName?: string;
  /** Hears of connections that broke while nobody used them; the pool replaces them. */
  readonly onError: (error: Error) => void;
}

export interface Postgres extends ScriptDatabase {
  /** Why the server cannot be worked with now, or undefined. Answers within 1.5 s. */
  trouble(): Promise<string | undefined>;
}

const DEADLOCK_ATTEMPTS_MAX = 5;
/** Below the limit of health probes, so that they get the reason. */
const TROUBLE_TIMEOUT_MS = 1500;
/** A dead network says nothing: a statement that the server should have broken off long ago is given up. */
const ANSWER_GRACE_MS = 5000;

/**
 * A pool of connections to a PostgreSQL server; fails with `billing_store.unreachable` if none can be opened. Errors of the server carry
 * their SQLSTATE. A connection that breaks rejects with `billing_store.unreachable`, during COMMIT with `billing_store.outcome_unknown`;
 * neither is tried again here. The victim of a deadlock is, so `work` of a transaction must do nothing but use its `tx`. Calling the database itself
 * from inside a transaction is refused with `database.nested_query`: it would wait for a second connection while holding the first.
 */
export async function openPostgres(options: PostgresOptions): Promise<Postgres> {
  const { connectTimeoutMs = 5000, statementTimeoutMs = 30_000, idleInTransactionTimeoutMs = 5000 } = options;
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolMax ?? 10,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + ANSWER_GRACE_MS,
    idle_in_transaction_session_timeout: idleInTransactionTimeoutMs,
    application_name: options.applicationName ?? 'meterline',
    keepAlive: true,
    // What parseValue reads, whatever the server or the role has as its default.
    options: '-c timezone=UTC -c datestyle=ISO -c bytea_output=hex -c extra_float_digits=1',
  });
  pool.on('error', (error) => options.onError(error));
  // One that breaks while in use tells by its next statement; but without a listener Node would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined));

  const database = attributed(createDatabase(pool));
  try {
    await database.query('select 1');
  } catch (error) {
    await pool.end();
    throw error;
  }
  return database;
}

function createDatabase(pool: pg.Pool): Postgres {
  const current = new AsyncLocalStorage<{ isOpen: boolean }>();

  async function withSession<T>(work: (session: Session) => Promise<T>): Promise<T> {
    if (current.getStore()?.isOpen === true)
      throw new Fault('unavailable', 'database.nested_query', 'inside a transaction only its own `tx` may be used');
    const client = await pool.connect().catch((error: unknown) => {
      throw unreachable(error);
    });
    const session = sessionOn(client);
    try {
      return await work(session);
    } finally {
      client.release(session.isLost());
    }
  }

  return {
    async query<Row extends object>(sql: string, params: readonly SqlValue[] = []) {
      const { rows } = await againAfterDeadlock(() => withSession((session) => session.query<Row>(sql, params)));
      return rows;
    },
    exec: (script) => withSession((session) => session.exec(script)),
    transaction: <T>(work: (tx: ScriptExecutor) => Promise<T>) =>
      againAfterDeadlock(() =>
        withSession((session) => {
          const state = { isOpen: true };
          return current.run(state, () => runTransaction(session, state, work));
        }),
      ),
    trouble: () => troubleOf(withSession((session) => session.query('select 1'))),
    close: () => pool.end(),
  };
}

async function againAfterDeadlock<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isDeadlock(error) || attempt === DEADLOCK_ATTEMPTS_MAX) throw error;
    }
  }
}

async function troubleOf(probe: Promise<unknown>): Promise<string | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(() => resolve('PostgreSQL does not answer, or every connection is in use'), TROUBLE_TIMEOUT_MS);
  const answered = probe.then(
    () => undefined,
    (error: unknown) => {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      return `PostgreSQL cannot be reached: ${cause instanceof Error ? cause.message : String(cause)}`;
    },
  );
  return Promise.race([answered, late]).finally(() => clearTimeout(timer));
}
