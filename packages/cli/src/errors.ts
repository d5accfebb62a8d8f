/** 1: the server was asked, and the answer is no. 2: it could not be asked. */
export type ExitCode = 1 | 2;

/** What ends a command; the message is for the person at the terminal. */
export class CliError extends Error {
  override readonly name: string = 'CliError';
  readonly code: string;
  readonly exitCode: ExitCode;
  constructor(exitCode: ExitCode, code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
    this.code = code;
  }
}

export interface FieldFault {
  readonly path?: string;
  readonly message: string;
  /** Of a batch of events: which one. */
  readonly index?: number;
}

/** The server refused, as RFC 9457 problem details. */
export class ApiError extends CliError {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly errors: readonly FieldFault[];
  /** From `Retry-After`, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  constructor(status: number, code: string, detail: string, errors: readonly FieldFault[], retryAfterMs?: number) {
    // Without a key that counts, or from a server in trouble, there is no answer to the question.
    super(status === 401 || status === 403 || status === 429 || status >= 500 ? 2 : 1, code, detail);
    this.status = status;
    this.errors = errors;
    this.retryAfterMs = retryAfterMs;
  }
}
