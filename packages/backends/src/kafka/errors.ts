import { Fault } from '@meterline/domain/faults';

const names = new Map([
  [1, 'OFFSET_OUT_OF_RANGE'],
  [3, 'UNKNOWN_TOPIC_OR_PARTITION'],
  [5, 'LEADER_NOT_AVAILABLE'],
  [6, 'NOT_LEADER_OR_FOLLOWER'],
  [7, 'REQUEST_TIMED_OUT'],
  [10, 'MESSAGE_TOO_LARGE'],
  [17, 'INVALID_TOPIC_EXCEPTION'],
  [18, 'RECORD_LIST_TOO_LARGE'],
  [19, 'NOT_ENOUGH_REPLICAS'],
  [20, 'NOT_ENOUGH_REPLICAS_AFTER_APPEND'],
  [29, 'TOPIC_AUTHORIZATION_FAILED'],
  [31, 'CLUSTER_AUTHORIZATION_FAILED'],
  [56, 'KAFKA_STORAGE_ERROR'],
  [74, 'FENCED_LEADER_EPOCH'],
  [76, 'UNSUPPORTED_COMPRESSION_TYPE'],
  [78, 'OFFSET_NOT_AVAILABLE'],
  [87, 'INVALID_RECORD'],
]);

/** Trying again does not help: something must be changed. */
const lasting = new Set([10, 17, 18, 29, 31, 76, 87]);

/** An error code that a broker answered for a partition. */
export class BrokerError extends Error {
  override readonly name = 'BrokerError';
  readonly code: number;

  constructor(code: number, partition: number) {
    super(`partition ${partition}: ${names.get(code) ?? 'error'} (${code})`);
    this.code = code;
  }

  get retriable(): boolean {
    return !lasting.has(this.code);
  }
}

/** What a failure is called to those who append and read. */
export function unavailable(operation: string, cause: unknown): Fault {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new Fault('unavailable', 'event_log.unavailable', `Kafka: ${operation} failed: ${reason}`, {
    retryAfterSeconds: 1,
    cause,
  });
}

export function closed(): Fault {
  return new Fault('unavailable', 'event_log.closed', 'the event log is closed');
}
