import type { KafkaConfig } from 'kafkajs';
import type { KafkaOperation } from './trouble.ts';

export interface KafkaLogOptions {
  /** host:port of some brokers; the others are learnt from them. */
  readonly brokers: readonly string[];
  readonly topic: string;
  /** Fixed when the topic is created. */
  readonly partitionCount: number;
  /** Copies of every partition, 3 in production. */
  readonly replication: number;
  /** Copies that must have an event before it is acknowledged, 2 in production. */
  readonly minInsyncReplicas: number;
  /** By default the id that Kafka gave the topic, so that a topic created anew is another log. */
  readonly logId?: string;
  readonly clientId?: string;
  readonly tls?: KafkaConfig['ssl'];
  readonly sasl?: KafkaConfig['sasl'];
  /** Tenant of messages of other programs that name none; without it they are rejected. */
  readonly tenantDefault?: string;
  readonly limits?: Partial<KafkaLogLimits>;
  readonly callbacks?: KafkaLogCallbacks;
}

export interface KafkaLogLimits {
  /** Appends taken and not answered; beyond it `append` fails with the Fault `event_log.overloaded`. */
  readonly inFlightBytesMax: number;
  /** Of one `append`, and of the appends written together to a partition. */
  readonly batchBytesMax: number;
  /** How long a failing append or read is tried again before it fails with `event_log.unavailable`. */
  readonly retryForMs: number;
  readonly requestTimeoutMs: number;
  /** How long the leader waits for the other in-sync replicas. */
  readonly replicationTimeoutMs: number;
  readonly healthIntervalMs: number;
}

export const DEFAULT_KAFKA_LIMITS: KafkaLogLimits = {
  inFlightBytesMax: 64_000_000,
  batchBytesMax: 8_000_000,
  retryForMs: 10_000,
  requestTimeoutMs: 5_000,
  replicationTimeoutMs: 4_000,
  healthIntervalMs: 5_000,
};

export interface KafkaLogCallbacks {
  /** A request failed and is tried again. */
  readonly onRetry?: (event: { operation: KafkaOperation; attempt: number; error: unknown }) => void;
  /** What kafkajs has to say, warnings and errors only. */
  readonly onLog?: (entry: { level: 'warn' | 'error'; message: string; details: Record<string, unknown> }) => void;
  /** An append was acknowledged (`failed` false) or given up. */
  readonly onAppended?: (event: { records: number; bytes: number; durationMs: number; failed: boolean }) => void;
  readonly onRead?: (event: { partition: number; records: number; durationMs: number }) => void;
}
