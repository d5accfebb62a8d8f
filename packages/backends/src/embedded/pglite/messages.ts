/** What crosses between the main thread and the thread that runs PGlite. Values stay PostgreSQL's text on the way. */
export interface WorkerOptions {
  /** Where PostgreSQL's files are; null keeps them in memory. */
  readonly folder: string | null;
  readonly templateFile: string | null;
}

export interface Statement {
  readonly sql: string;
  /** null runs `sql` as a script of several statements. */
  readonly params: readonly (string | null)[] | null;
}

export interface Answer {
  readonly columns: readonly string[];
  readonly oids: readonly number[];
  /** Row after row, all columns of each. */
  readonly values: readonly (string | null)[];
  /** Rows answered or changed. */
  readonly rowCount: number;
  /** PostgreSQL's command tag: `UPDATE 3`, `COMMIT`. */
  readonly command: string;
}

export interface DatabaseErrorFields {
  readonly message: string;
  readonly code?: string | undefined;
  readonly detail?: string | undefined;
  readonly constraint?: string | undefined;
  readonly table?: string | undefined;
}

/** `close` shuts the database down; everything else is a statement, answered in order. */
export type ToWorker = Statement | 'close';

export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'error'; readonly error: DatabaseErrorFields }
  | { readonly kind: 'notification'; readonly channel: string; readonly payload: string }
  | { readonly kind: 'fatal'; readonly message: string };
