import { Fault } from '@meterline/domain/faults';
import type { AppendBatch, EventLog, RecordKind } from '@meterline/pipeline/ports';
import kafkajs, { type LogEntry } from 'kafkajs';
import { createAppendQueue } from './append-queue.ts';
import { createKafkaClient, type KafkaClient } from './client.ts';
import { BrokerError, unavailable } from './errors.ts';
import { createGrowthWatch } from './growth.ts';
import { startHealthCheck } from './health.ts';
import { connectCluster, type ConnectionOptions } from './kafkajs-internals.ts';
import { encodeHeaders } from './message-headers.ts';
import { DEFAULT_KAFKA_LIMITS, type KafkaLogLimits, type KafkaLogOptions } from './options.ts';
import { createPartitionReader, leaderOf } from './read.ts';
import { checkPartitions, checkSettings, createTopic, settingsOf } from './topic.ts';
import { createTroubleWatch, type TroubleWatch } from './trouble.ts';
import { messageBytes } from './wire/record-batch.ts';
import { topicIdRequest } from './wire/requests.ts';
import { createGroupWriter } from './write.ts';

export interface KafkaLog extends EventLog {
  /** Why the log is stuck (no broker, too few in-sync replicas, a request without an answer), or undefined: for readiness. */
  trouble(): string | undefined;
  /** The identity that Kafka gave the topic: another one of the same name has another. */
  readonly topicId: string;
  /** Bytes appended and not yet acknowledged. */
  readonly inFlightBytes: number;
}

const STUCK_AFTER_MS = 5_000;
/** A batch that does not compress, and its headers, still fit. */
const MESSAGE_BYTES_SPARE = 1_048_576;

/**
 * Opens the log on a Kafka topic, which it creates if there is none. Faults: `event_log.unavailable` without a broker, and those of
 * topic.ts. Any number of processes may have it open. There are no consumer groups: who reads what is up to the leases.
 */
export async function openKafkaLog(options: KafkaLogOptions): Promise<KafkaLog> {
  const { topic, partitionCount } = options;
  const limits = { ...DEFAULT_KAFKA_LIMITS, ...options.limits };
  const connection = connectionOptions(options, limits);
  const watch = createTroubleWatch(STUCK_AFTER_MS);
  // Connections of their own: a fetch held back by the broker holds up those behind it, and appends must not wait for reads.
  const [appending, reading, polling] = [1, 2, 3].map(() => createClient(options, connection, limits, watch)) as [
    KafkaClient,
    KafkaClient,
    KafkaClient,
  ];
  const closeClients = () => Promise.all([appending, reading, polling].map((client) => client.close()));
  const opened = await openTopic(options, connection, limits, reading).catch(async (error: unknown) => {
    await closeClients();
    throw error instanceof Fault ? error : unavailable('open', error);
  });
  const { topicId, ends } = opened;
  const growth = createGrowthWatch(polling, topic, ends);
  const health = startHealthCheck(reading, watch, options.minInsyncReplicas, limits.healthIntervalMs);
  const readers = Array.from({ length: partitionCount }, (_, partition) =>
    createPartitionReader(reading, { topic, partition, partitionCount }, options.tenantDefault),
  );
  const all = Array.from({ length: partitionCount }, (_, partition) => partition);
  const queue = createAppendQueue({
    ...limits,
    waitMsMax: limits.retryForMs,
    leaderOf: (partition) => appending.leaderOf(partition),
    write: createGroupWriter(appending, { topic, ...limits }),
  });

  function readerOf(partition: number) {
    const reader = readers[partition];
    if (reader === undefined) throw new RangeError(`no partition ${partition}: the log has ${partitionCount}`);
    return reader;
  }

  async function append(batch: AppendBatch): Promise<number> {
    const { partition, appendedAtMs, records } = batch;
    readerOf(partition);
    if (records.length === 0) throw new RangeError('a batch has at least one record');
    const headersOf = new Map<RecordKind, Buffer>();
    const messages = records.map(({ kind, value }) => {
      const headers = headersOf.get(kind) ?? encodeHeaders(batch, kind);
      headersOf.set(kind, headers);
      return { headers, value };
    });
    const sizeBytes = messages.reduce((sum, message) => sum + messageBytes(message), 0);
    const startedMs = performance.now();
    const told = (failed: boolean) =>
      options.callbacks?.onAppended?.({
        records: records.length,
        bytes: sizeBytes,
        durationMs: performance.now() - startedMs,
        failed,
      });
    try {
      const firstOffset = await queue.add({ partition, appendedAtMs, messages, sizeBytes });
      told(false);
      return firstOffset;
    } catch (error) {
      told(true);
      throw error;
    }
  }

  return {
    logId: options.logId ?? topicId,
    topicId,
    partitionCount,
    append,
    async read(partition, fromOffset, limit) {
      const startedMs = performance.now();
      const records = await readerOf(partition).read(fromOffset, limit);
      growth.seen(partition, fromOffset + records.length);
      options.callbacks?.onRead?.({ partition, records: records.length, durationMs: performance.now() - startedMs });
      return records;
    },
    bounds: async (partition) => readerOf(partition).bounds(),
    appended: (signal, partitions = all) => growth.appended(signal, partitions),
    async trim(partition, beforeOffset) {
      const { earliest, next } = await readerOf(partition).bounds();
      const before = Math.min(beforeOffset, next);
      if (before <= earliest) return;
      await reading.run('trim', (cluster) => cluster.deleteRecords(leaderOf(cluster, partition), partition, before));
    },
    trouble: () => health.trouble() ?? watch.trouble(),
    get inFlightBytes() {
      return queue.inFlightBytes;
    },
    async close() {
      await queue.close();
      health.stop();
      await Promise.all([closeClients(), growth.close()]);
    },
  };
}

function connectionOptions(options: KafkaLogOptions, { requestTimeoutMs }: KafkaLogLimits): ConnectionOptions {
  const onLog = options.callbacks?.onLog;
  return {
    brokers: options.brokers,
    clientId: options.clientId ?? 'meterline',
    ...(options.tls !== undefined && { ssl: options.tls }),
    ...(options.sasl !== undefined && { sasl: options.sasl }),
    requestTimeout: requestTimeoutMs,
    connectionTimeout: Math.min(3_000, requestTimeoutMs),
    logCreator: () => (entry: LogEntry) => {
      const { message, ...details } = entry.log;
      // An error that a broker answers is thrown as well, and whoever asked tries again or says what is wrong.
      if (message.startsWith('Response ')) return;
      onLog?.({ level: entry.level === kafkajs.logLevel.ERROR ? 'error' : 'warn', message, details });
    },
  };
}

function createClient(options: KafkaLogOptions, connection: ConnectionOptions, limits: KafkaLogLimits, watch: TroubleWatch) {
  return createKafkaClient({
    connect: () => connectCluster(connection, options.topic),
    requestTimeoutMs: limits.requestTimeoutMs,
    retryForMs: limits.retryForMs,
    watch,
    onRetry: (event) => options.callbacks?.onRetry?.(event),
  });
}

/** Creates the topic, or checks the one that exists. */
async function openTopic(options: KafkaLogOptions, connection: ConnectionOptions, limits: KafkaLogLimits, client: KafkaClient) {
  const topicOptions = { ...options, messageBytesMax: limits.batchBytesMax + MESSAGE_BYTES_SPARE };
  const kafka = new kafkajs.Kafka({
    ...connection,
    brokers: [...options.brokers],
    logLevel: kafkajs.logLevel.WARN,
    retry: { initialRetryTime: 100, retries: 5 },
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    const created = await createTopic(admin, topicOptions);
    // A broker may not have heard yet of a topic that another one created, not even the one that leads it: all of this is tried again.
    const { topicId, partitions } = await client.run('bounds', async (cluster) => {
      const id = await cluster.send(leaderOf(cluster, 0), topicIdRequest(options.topic));
      if (id === null) throw new BrokerError(3, 0);
      return { topicId: id, partitions: cluster.partitions() };
    });
    checkPartitions(partitions, topicOptions);
    if (!created) checkSettings(await client.run('bounds', () => settingsOf(admin, options.topic)), topicOptions);
    return { topicId, ends: await endsOf(client) };
  } finally {
    await admin.disconnect();
  }
}

/** Offset behind the newest message, by partition. */
function endsOf(client: KafkaClient): Promise<ReadonlyMap<number, number>> {
  return client.run('bounds', async (cluster) => {
    const byLeader = Map.groupBy(
      cluster.partitions().map(({ partitionId }) => partitionId),
      (partition) => leaderOf(cluster, partition),
    );
    const ends = [...byLeader].map(([leader, partitions]) => cluster.listOffsets(leader, partitions, 'latest'));
    return new Map((await Promise.all(ends)).flatMap((some) => [...some]));
  });
}
