import { currentAuthor, type Author } from '@meterline/pipeline/audit';
import { formatInstant } from '@meterline/domain/time';
import type { SqlValue } from '@meterline/pipeline/ports';
import type { ScriptDatabase, ScriptExecutor } from '../script-database.ts';

/** What begins like this cannot change an audited table: `with` may, and so may everything else. */
const READS = /^\s*select\b/i;

/** The database, telling its audit triggers in every transaction on whose behalf it is (`actingAs`). */
export function attributed<Store extends ScriptDatabase>(database: Store, authorOf = currentAuthor): Store {
  const transaction = <T>(work: (tx: ScriptExecutor) => Promise<T>): Promise<T> => {
    const author = authorOf();
    if (author === undefined) return database.transaction(work);
    return database.transaction(async (tx) => {
      await tellAuthor(tx, author);
      return work(tx);
    });
  };
  return {
    ...database,
    transaction,
    query<Row extends object>(sql: string, params?: readonly SqlValue[]): Promise<Row[]> {
      if (READS.test(sql) || authorOf() === undefined) return database.query<Row>(sql, params);
      return transaction((tx) => tx.query<Row>(sql, params));
    },
  };
}

/**
 * The database, on which what the server does by itself is recorded at the time of `clock`. Only for a test clock that the billing store does not know: any
 * other time it tells by itself.
 */
export function recordingAt<Store extends ScriptDatabase>(database: Store, clock: Author['clock']): Store {
  return attributed(database, () => currentAuthor() ?? { keyId: null, requestId: null, clock });
}

/** Until the end of the transaction; a connection of the pool forgets it then. */
async function tellAuthor(tx: ScriptExecutor, { keyId, requestId, clock }: Author): Promise<void> {
  const author = { keyId, requestId, at: formatInstant(clock.nowMs()) };
  await tx.query(`select set_config('meterline.author', $1, true)`, [JSON.stringify(author)]);
}
