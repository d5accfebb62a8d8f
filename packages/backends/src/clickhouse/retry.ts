import { setTimeout as delay } from 'node:timers/promises';
import { ClickHouseError } from '@clickhouse/client';
import { Fault } from '@meterline/domain/faults';

/** Answers that say nothing about the statement: the server (or one behind it) was busy, away or behind. The same statement may pass a moment later. */
export const PASSING_CODES: Readonly<Record<string, string>> = {
  '202': 'TOO_MANY_SIMULTANEOUS_QUERIES',
  '203': 'NO_FREE_CONNECTION',
  '209': 'SOCKET_TIMEOUT',
  '210': 'NETWORK_ERROR',
  '225': 'NO_ZOOKEEPER',
  '236': 'ABORTED',
  '242': 'TABLE_IS_READ_ONLY',
  '279': 'ALL_CONNECTION_TRIES_FAILED',
  '285': 'TOO_FEW_LIVE_REPLICAS',
  '286': 'UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE',
  '289': 'REPLICA_IS_NOT_IN_QUORUM',
  '369': 'ALL_REPLICAS_ARE_STALE',
  '439': 'CANNOT_SCHEDULE_TASK',
  '517': 'CANNOT_ASSIGN_ALTER',
  '999': 'KEEPER_EXCEPTION',
};

/** Answers to an INSERT that was turned away before it wrote: too many statements run, or another quorum insert into the table is under way. */
export const REFUSED_INSERT_CODES: Readonly<Record<string, string>> = {
  '202': 'TOO_MANY_SIMULTANEOUS_QUERIES',
  '286': 'UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE',
};

const CONNECTION_CODES = new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ETIMEDOUT',
]);

const delaysMs = [50, 200, 800, 2000];
const retryAfterSeconds = 5;

/** The connection failed: whether the server ran the statement is unknown. */
function isConnectionError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && CONNECTION_CODES.has(error.code);
}

function isCode(error: unknown, codes: Readonly<Record<string, string>>): boolean {
  return error instanceof ClickHouseError && Object.hasOwn(codes, error.code);
}

/**
 * Runs what may run twice (a query, a statement with IF NOT EXISTS) up to five times over about three seconds, while the failure is one
 * that passes. What is left then is the Fault `clickhouse.unreachable` for a broken connection, the server's own error otherwise. Without an
 * answer in time it fails at once, with the Fault `clickhouse.timeout`: asking again would ask for the same work twice.
 */
export function retried<T>(work: () => Promise<T>): Promise<T> {
  return attempts(work, (error) => isConnectionError(error) || isCode(error, PASSING_CODES));
}

/** Runs an INSERT again only if the server refused it; any other failure leaves its outcome unknown, and that is the caller's to find out. */
export function retriedIfRefused<T>(insert: () => Promise<T>): Promise<T> {
  return attempts(insert, (error) => isCode(error, REFUSED_INSERT_CODES));
}

async function attempts<T>(work: () => Promise<T>, again: (error: unknown) => boolean): Promise<T> {
  for (const delayMs of delaysMs) {
    try {
      return await work();
    } catch (error) {
      if (!again(error)) throw faultOf(error);
      // Half to all of the delay: those who failed together do not come back together.
      await delay(delayMs * (0.5 + Math.random() / 2));
    }
  }
  return work().catch((error: unknown) => {
    throw faultOf(error);
  });
}

function faultOf(error: unknown): unknown {
  const fault = (code: string, message: string) =>
    new Fault('unavailable', `clickhouse.${code}`, message, { retryAfterSeconds, cause: error });
  if (isConnectionError(error)) return fault('unreachable', 'the usage store cannot be reached');
  // The client's words when a statement had no answer within the request timeout: it may still be running.
  if (error instanceof Error && error.message === 'Timeout error.') return fault('timeout', 'the usage store does not answer');
  return error;
}
