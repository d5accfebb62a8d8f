export type SqlValue = string | number | bigint | boolean | null | Uint8Array | Date | readonly SqlValue[];

/**
 * SQL on PostgreSQL or PGlite. Parameters are `$1..$n`. Answers come as JavaScript values like this: bigint and numeric as text,
 * timestamptz as RFC 3339 UTC text with milliseconds (`2026-11-22T01:20:10.123Z`), integer as number, json/jsonb parsed, boolean
 * as boolean, bytea as Uint8Array, text arrays as arrays.
 */
export interface SqlExecutor {
  query<Row extends object>(sql: string, params?: readonly SqlValue[]): Promise<Row[]>;
}

export interface Database extends SqlExecutor {
  /** Runs `work` in one transaction (READ COMMITTED): commits when it resolves, rolls back when it rejects. Use only `tx` inside. */
  transaction<T>(work: (tx: SqlExecutor) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** SQLSTATE of a database error, or undefined for any other error. `23505` is a unique violation. */
export function sqlState(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code) ? error.code : undefined;
}
