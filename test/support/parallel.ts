import { setTimeout as sleep } from 'node:timers/promises';
import type { Database, SqlExecutor } from '@meterline/pipeline/ports';

export interface Held {
  /** Does the same as the one it was made of, but halts once, right after the first statement that matches. */
  readonly database: Database;
  /** Resolves when that statement was answered: its locks are held, and what comes next is waiting. */
  readonly reached: Promise<void>;
  release(): void;
}

/** Stops a store between two statements of its transaction, so that another connection can act in between. */
export function heldAfter(database: Database, pattern: RegExp): Held {
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  let isArmed = true;
  const holding = (executor: SqlExecutor): SqlExecutor => ({
    async query<Row extends object>(...call: Parameters<SqlExecutor['query']>) {
      const rows = await executor.query<Row>(...call);
      if (!isArmed || !pattern.test(call[0])) return rows;
      isArmed = false;
      reached.resolve();
      await released.promise;
      return rows;
    },
  });
  return {
    database: {
      ...holding(database),
      transaction: (work) => database.transaction((tx) => work(holding(tx))),
      close: () => database.close(),
    },
    reached: reached.promise,
    release: () => released.resolve(),
  };
}

/** Resolves once `count` statements of this database wait for a lock. */
export async function untilWaiting(database: Database, count = 1): Promise<void> {
  for (;;) {
    const waiting = await database.query(
      `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    if (waiting.length >= count) return;
    await sleep(5);
  }
}

/** What each did, all started together. */
export async function together<T>(works: readonly (() => Promise<T>)[]): Promise<T[]> {
  return Promise.all(works.map((work) => work()));
}
