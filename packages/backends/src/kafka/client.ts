import { setTimeout as sleep } from 'node:timers/promises';
import { LogGapError } from '@meterline/pipeline/ports';
import { within } from './deadline.ts';
import { BrokerError, closed, unavailable } from './errors.ts';
import type { ClusterConnection } from './kafkajs-internals.ts';
import type { KafkaOperation, TroubleWatch } from './trouble.ts';

export interface KafkaClient {
  /**
   * Runs `attempt` with connections whose leaders are known, again and again with backoff until it succeeds, `retryForMs` is over
   * (then Fault `event_log.unavailable`), or the error says that trying again cannot help. Each attempt may take `allowedMs`.
   */
  run<Answer>(
    operation: KafkaOperation,
    attempt: (cluster: ClusterConnection) => Promise<Answer>,
    options?: RunOptions,
  ): Promise<Answer>;
  /** As far as known now; -1 for a partition without a leader. */
  leaderOf(partition: number): number;
  close(): Promise<void>;
}

export interface RunOptions {
  readonly retryForMs?: number;
  readonly allowedMs?: number;
  readonly signal?: AbortSignal;
}

export interface KafkaClientOptions {
  readonly connect: () => ClusterConnection;
  readonly requestTimeoutMs: number;
  readonly retryForMs: number;
  readonly watch: TroubleWatch;
  readonly onRetry: (event: { operation: KafkaOperation; attempt: number; error: unknown }) => void;
}

const BACKOFF_MS = { first: 50, most: 2_000 };

interface Connection {
  readonly cluster: ClusterConnection;
  /** The newest refresh of what is known about the topic. */
  ready: Promise<void>;
  knownUntilMs: number;
  known: boolean;
}

/** Beyond what a request is allowed: for connecting, and asking who leads. */
const LATE_MS = 5_000;
/** Leaders are asked for again after this long, also without an error. */
const LEADERS_KNOWN_MS = 60_000;

/**
 * After a broker's error the leaders are asked for again. After anything else (a closed connection, no answer in time) all connections
 * are given up for new ones: what kafkajs remembers of broken ones is no longer relied on.
 */
export function createKafkaClient(options: KafkaClientOptions): KafkaClient {
  const closing = new AbortController();
  let connection: Connection | undefined;
  const leaving = new Set<Promise<void>>();

  function connected(): Connection {
    connection ??= newConnection();
    if (performance.now() > connection.knownUntilMs) refresh(connection);
    return connection;
  }

  function newConnection(): Connection {
    const made = { cluster: options.connect(), ready: Promise.resolve(), knownUntilMs: 0, known: false };
    refresh(made);
    return made;
  }

  function refresh(one: Connection): void {
    one.knownUntilMs = performance.now() + LEADERS_KNOWN_MS;
    one.ready = one.cluster.refresh().then(() => {
      one.known = true;
    });
    one.ready.catch(() => undefined);
  }

  function giveUp(one: Connection): void {
    if (connection === one) connection = undefined;
    const left = within(one.cluster.disconnect(), options.requestTimeoutMs, 'left without an answer').catch(() => undefined);
    leaving.add(left);
    void left.then(() => leaving.delete(left));
  }

  async function tryOnce<Answer>(
    operation: KafkaOperation,
    attempt: (cluster: ClusterConnection) => Promise<Answer>,
    allowedMs: number,
  ): Promise<Answer> {
    const one = connected();
    const watched = options.watch.begin(operation, allowedMs);
    try {
      // kafkajs has ways never to answer: a socket that ends while TLS is being agreed on is one.
      const tried = one.ready.then(() => attempt(one.cluster));
      const answer = await within(tried, allowedMs + LATE_MS, `no answer to ${operation} within ${allowedMs + LATE_MS} ms`);
      watched.succeeded();
      return answer;
    } catch (error) {
      if (error instanceof LogGapError) watched.succeeded();
      else if (closing.signal.aborted) watched.succeeded();
      else watched.failed(error);
      if (isAnswer(error)) one.knownUntilMs = 0;
      else if (!(error instanceof LogGapError)) giveUp(one);
      throw error;
    }
  }

  return {
    async run(operation, attempt, { retryForMs = options.retryForMs, allowedMs = options.requestTimeoutMs, signal } = {}) {
      const endsMs = performance.now() + retryForMs;
      for (let failures = 1; ; failures++) {
        if (closing.signal.aborted) throw closed();
        try {
          return await tryOnce(operation, attempt, allowedMs);
        } catch (error) {
          if (error instanceof LogGapError) throw error;
          if (closing.signal.aborted) throw closed();
          const backoffMs = Math.min(BACKOFF_MS.first * 2 ** (failures - 1), BACKOFF_MS.most) * (0.5 + Math.random() / 2);
          const lasting = error instanceof BrokerError && !error.retriable;
          if (lasting || signal?.aborted === true || performance.now() + backoffMs > endsMs) throw unavailable(operation, error);
          options.onRetry({ operation, attempt: failures, error });
          const stopped = signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]);
          await sleep(backoffMs, undefined, { signal: stopped }).catch(() => undefined);
        }
      }
    },
    leaderOf(partition) {
      const states = connection?.known === true ? connection.cluster.partitions() : [];
      return states.find(({ partitionId }) => partitionId === partition)?.leader ?? -1;
    },
    async close() {
      closing.abort();
      if (connection !== undefined) giveUp(connection);
      await Promise.all(leaving);
    },
  };
}

/** The broker answered, with an error: the connection is sound. */
function isAnswer(error: unknown): boolean {
  return error instanceof BrokerError || (error instanceof Error && error.name === 'KafkaJSProtocolError');
}
