import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from '../ports/index.ts';

/** On whose behalf something is done. */
export interface Author {
  /** Of the API key; null: the server acts by itself, as it does without an author. */
  readonly keyId: string | null;
  readonly requestId: string | null;
  /** What is changed is recorded as changed at its time. */
  readonly clock: Pick<Clock, 'nowMs'>;
}

// Carried beside the calls, like the transaction that is open: no store has to pass it on, so none can forget to.
const acting = new AsyncLocalStorage<Author>();

/** Everything that `work` changes in the billing store, also after it waited, is recorded as changed by `author`. */
export function actingAs<T>(author: Author, work: () => T): T {
  return acting.run(author, work);
}

export function currentAuthor(): Author | undefined {
  return acting.getStore();
}
