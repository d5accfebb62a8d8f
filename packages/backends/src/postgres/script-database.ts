import type { Database, SqlExecutor } from '@meterline/pipeline/ports';

export interface ScriptExecutor extends SqlExecutor {
  /** Runs several statements separated by `;`, without parameters and answers. */
  exec(script: string): Promise<void>;
}

/** A database that migrations can run on. */
export interface ScriptDatabase extends Database, ScriptExecutor {
  transaction<T>(work: (tx: ScriptExecutor) => Promise<T>): Promise<T>;
}
