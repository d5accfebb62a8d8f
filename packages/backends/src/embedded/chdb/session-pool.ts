import type { Session } from 'chdb';

/** A session and the query parameters it was ever given: the engine keeps them for as long as the session lives. */
export interface PooledSession {
  readonly engine: Session;
  readonly boundParams: Set<string>;
}

export interface SessionPool {
  /**
   * Runs `work` on a session that nothing else uses meanwhile. Work waits its turn here: a statement waiting inside the engine would
   * hold a thread of Node's pool. A session whose work failed is replaced, since nobody knows which settings it was left with.
   */
  run<T>(work: (session: PooledSession) => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Waits for running work, fails waiting and later work, and closes the sessions. */
  close(): Promise<void>;
}

interface Waiter {
  give(session: PooledSession): void;
  fail(error: Error): void;
}

export function createSessionPool(size: number, open: () => Session): SessionPool {
  const fresh = (): PooledSession => ({ engine: open(), boundParams: new Set() });
  const idle = Array.from({ length: size }, fresh);
  const waiters: Waiter[] = [];
  let running = 0;
  let closing: Promise<void> | undefined;
  let drained: (() => void) | undefined;

  function acquire(signal: AbortSignal | undefined): Promise<PooledSession> {
    const session = idle.pop();
    if (session !== undefined) {
      running += 1;
      return Promise.resolve(session);
    }
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        waiters.splice(waiters.indexOf(waiter), 1);
        reject(abortedError());
      };
      const waiter: Waiter = {
        give(next) {
          signal?.removeEventListener('abort', onAbort);
          resolve(next);
        },
        fail(error) {
          signal?.removeEventListener('abort', onAbort);
          reject(error);
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      waiters.push(waiter);
    });
  }

  function release(session: PooledSession): void {
    const waiter = waiters.shift();
    if (waiter !== undefined) {
      waiter.give(session);
      return;
    }
    idle.push(session);
    running -= 1;
    if (running === 0) drained?.();
  }

  async function shutDown(): Promise<void> {
    for (const waiter of waiters.splice(0)) waiter.fail(closedError());
    if (running > 0) await new Promise<void>((resolve) => (drained = resolve));
    for (const session of idle.splice(0)) session.engine.close();
  }

  return {
    async run(work, signal) {
      if (closing !== undefined) throw closedError();
      throwIfAborted(signal);
      let session = await acquire(signal);
      try {
        return await work(session);
      } catch (error) {
        const broken = session;
        session = fresh();
        broken.engine.close();
        throw error;
      } finally {
        release(session);
      }
    },
    close: () => (closing ??= shutDown()),
  };
}

export function throwIfAborted(signal: AbortSignal | undefined, cause?: unknown): void {
  if (signal?.aborted === true) throw abortedError(cause);
}

/** The same words as the HTTP client's, so that callers need not know which engine answers. */
function abortedError(cause?: unknown): Error {
  return new Error('The user aborted a request.', { cause });
}

function closedError(): Error {
  return new Error('The ClickHouse connection is closed.');
}
