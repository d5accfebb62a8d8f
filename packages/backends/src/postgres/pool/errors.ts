import { Fault } from '@meterline/domain/faults';
import { sqlState } from '@meterline/pipeline/ports';

/** The server ends the session with these, whatever was asked: shutdown, crash, ended by an operator, idle for too long. */
const SESSION_ENDED = new Set(['57P01', '57P02', '57P03', '57P05', '25P03', '25P04']);

/** Whether the connection is of no more use: the error is not the server's answer to a statement. */
export function isConnectionError(error: unknown): boolean {
  // node-postgres gives an answer of the server its severity; an error of the socket has none, though its code may look like a SQLSTATE (EPIPE).
  const state = error instanceof Error && 'severity' in error ? sqlState(error) : undefined;
  return state === undefined || state.startsWith('08') || SESSION_ENDED.has(state);
}

export function unreachable(cause: unknown): Fault {
  const options = { retryAfterSeconds: 1, cause };
  return new Fault('unavailable', 'billing_store.unreachable', 'The billing store cannot be reached.', options);
}

/** The connection broke while COMMIT was under way: the transaction is there as a whole or not at all, and nobody can tell here. */
export function outcomeUnknown(cause: unknown): Fault {
  const message = 'The connection to the billing store broke during a commit: it may have happened.';
  return new Fault('unavailable', 'billing_store.outcome_unknown', message, { retryAfterSeconds: 1, cause });
}

/** The server chose this transaction to break a circle of waiting ones: nothing of it happened, and it may simply be run again. */
export function isDeadlock(error: unknown): boolean {
  return sqlState(error) === '40P01';
}
