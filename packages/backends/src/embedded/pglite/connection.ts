import { Worker } from 'node:worker_threads';
import { Fault } from '@meterline/domain/faults';
import type { Answer, DatabaseErrorFields, FromWorker, Statement, ToWorker, WorkerOptions } from './messages.ts';

/** What PostgreSQL says about a failed statement; `code` is its SQLSTATE. */
export class PostgresError extends Error {
  override readonly name = 'PostgresError';
  readonly code: string | undefined;
  readonly detail: string | undefined;
  readonly constraint: string | undefined;
  readonly table: string | undefined;

  constructor(fields: DatabaseErrorFields) {
    super(fields.message);
    this.code = fields.code;
    this.detail = fields.detail;
    this.constraint = fields.constraint;
    this.table = fields.table;
  }
}

/** The wire to the thread that runs PGlite: statements are answered in the order they were sent. */
export interface Connection {
  send(statement: Statement): Promise<Answer>;
  onNotification(listener: (channel: string, payload: string) => void): void;
  close(): Promise<void>;
  /** Ends the thread as a crash would. */
  terminate(): Promise<void>;
}

/** Starts the thread and resolves once PostgreSQL runs. `onFailure` is called once if the thread ends unasked; every call rejects then. */
export async function connect(options: WorkerOptions, onFailure: (error: Error) => void): Promise<Connection> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: options, execArgv: [] });
  const pending: { resolve: (answer: Answer) => void; reject: (error: Error) => void }[] = [];
  const listeners: ((channel: string, payload: string) => void)[] = [];
  const ready = Promise.withResolvers<undefined>();
  const ended = Promise.withResolvers<undefined>();
  let failure: Error | undefined;
  let isReady = false;
  let isClosing = false;

  const fail = (error: Error): void => {
    if (failure !== undefined) return;
    failure = error;
    ready.reject(error);
    for (const { reject } of pending.splice(0)) reject(error);
    if (isReady && !isClosing) onFailure(error);
  };
  const stopped = (cause: unknown): Fault => {
    const reason = cause instanceof Error ? `: ${cause.message}` : '';
    return new Fault('unavailable', 'billing_store.stopped', `the billing store has stopped${reason}`, { cause });
  };

  worker.on('message', (message: FromWorker) => {
    if (message.kind === 'ready') {
      isReady = true;
      ready.resolve(undefined);
    } else if (message.kind === 'answer') pending.shift()?.resolve(message.answer);
    else if (message.kind === 'error') pending.shift()?.reject(new PostgresError(message.error));
    else if (message.kind === 'fatal') fail(stopped(new Error(message.message)));
    else for (const listener of listeners) listener(message.channel, message.payload);
  });
  worker.on('error', (error) => {
    fail(stopped(error));
  });
  worker.on('exit', () => {
    fail(stopped(undefined));
    ended.resolve(undefined);
  });
  await ready.promise;

  const post = (message: ToWorker): void => {
    worker.postMessage(message);
  };
  return {
    send(statement) {
      if (failure !== undefined) return Promise.reject(failure);
      if (isClosing) return Promise.reject(new Fault('unavailable', 'billing_store.closed', 'the billing store is closed'));
      const { promise, resolve, reject } = Promise.withResolvers<Answer>();
      pending.push({ resolve, reject });
      post(statement);
      return promise;
    },
    onNotification(listener) {
      listeners.push(listener);
    },
    async close() {
      if (!isClosing) {
        isClosing = true;
        if (failure === undefined) post('close');
      }
      await ended.promise;
    },
    async terminate() {
      await worker.terminate();
    },
  };
}
