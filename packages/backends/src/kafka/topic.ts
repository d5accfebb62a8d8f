import { Fault } from '@meterline/domain/faults';
import kafkajs, { type Admin } from 'kafkajs';
import type { PartitionState } from './kafkajs-internals.ts';

export interface TopicOptions {
  readonly topic: string;
  readonly partitionCount: number;
  readonly replication: number;
  readonly minInsyncReplicas: number;
  /** Of a batch as the brokers store it. */
  readonly messageBytesMax: number;
}

const RETENTION_MS_MIN = 14 * 86_400_000;

/** What the log relies on, as it is set on a topic we create. */
function settings({ minInsyncReplicas, messageBytesMax }: TopicOptions): Record<string, string> {
  return {
    'cleanup.policy': 'delete',
    // Only `trim` lets the log forget, and only what is sealed. Were it time, a long outage would lose usage.
    'retention.ms': '-1',
    'retention.bytes': '-1',
    'min.insync.replicas': String(minInsyncReplicas),
    'unclean.leader.election.enable': 'false',
    // Messages of other programs are judged by when they came, not by the clock of their writer.
    'message.timestamp.type': 'LogAppendTime',
    // The broker packs again what other programs packed in ways that Node cannot unpack.
    'compression.type': 'zstd',
    'max.message.bytes': String(messageBytesMax),
  };
}

/** What is wrong with a setting of a topic that exists, or undefined. */
const rules: Record<string, (value: string, options: TopicOptions) => string | undefined> = {
  'cleanup.policy': (value) => (value === 'delete' ? undefined : 'must be delete: a compacted log loses events'),
  'retention.ms': (value) =>
    value === '-1' || Number(value) >= RETENTION_MS_MIN ? undefined : 'must be -1, or 14 days at least',
  'retention.bytes': (value) => (value === '-1' ? undefined : 'must be -1'),
  'min.insync.replicas': (value, { minInsyncReplicas }) =>
    Number(value) >= minInsyncReplicas ? undefined : `must be ${minInsyncReplicas} at least`,
  'unclean.leader.election.enable': (value) => (value === 'false' ? undefined : 'must be false: it loses acknowledged events'),
  'message.timestamp.type': (value) => (value === 'LogAppendTime' ? undefined : 'must be LogAppendTime'),
  'compression.type': (value) =>
    ['zstd', 'gzip', 'uncompressed'].includes(value) ? undefined : 'must be zstd, gzip or uncompressed',
  'max.message.bytes': (value, { messageBytesMax }) =>
    Number(value) >= messageBytesMax ? undefined : `must be ${messageBytesMax} at least`,
};

/** Creates the topic; answers false if it was there before, as when several services start at once. */
export async function createTopic(admin: Admin, options: TopicOptions): Promise<boolean> {
  const { topic, partitionCount, replication } = options;
  const configEntries = Object.entries(settings(options)).map(([name, value]) => ({ name, value }));
  const wanted = { topic, numPartitions: partitionCount, replicationFactor: replication, configEntries };
  try {
    // To ask for one that is there is an error, which kafkajs would log at every start.
    if ((await admin.listTopics()).includes(topic)) return false;
    // Not waiting for leaders: kafkajs asks any broker, and fails if that one has not heard of the topic yet.
    return await admin.createTopics({ topics: [wanted], waitForLeaders: false });
  } catch (error) {
    throw new Fault('unavailable', 'event_log.topic', `the topic ${topic} could not be created: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

/** Faults: `event_log.partition_count`, `event_log.replication`. */
export function checkPartitions(partitions: readonly PartitionState[], options: TopicOptions): void {
  const { topic, partitionCount, replication } = options;
  const count = partitions.length;
  if (count !== partitionCount)
    throw new Fault('conflict', 'event_log.partition_count', `the topic ${topic} has ${count} partitions, not ${partitionCount}`);
  const replicas = Math.min(...partitions.map((partition) => partition.replicas.length));
  if (replicas < replication)
    throw new Fault('conflict', 'event_log.replication', `the topic ${topic} has ${replicas} replicas, not ${replication}`);
}

/** The settings that matter, as they are on the topic. */
export async function settingsOf(admin: Admin, topic: string): Promise<ReadonlyMap<string, string>> {
  const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: Object.keys(rules) };
  const { resources } = await admin.describeConfigs({ resources: [resource], includeSynonyms: false });
  return new Map(resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]));
}

/** Fault `event_log.topic_settings`, naming every setting that would lose events. */
export function checkSettings(values: ReadonlyMap<string, string>, options: TopicOptions): void {
  const faults = Object.entries(rules).flatMap(([name, rule]) => {
    const value = values.get(name) ?? '';
    const fault = rule(value, options);
    return fault === undefined ? [] : [{ path: name, message: `${name} is ${value} and ${fault}` }];
  });
  if (faults.length === 0) return;
  const text = faults.map(({ message }) => message).join('; ');
  throw new Fault('conflict', 'event_log.topic_settings', `the topic ${options.topic} cannot be used: ${text}`, {
    errors: faults,
  });
}

/** kafkajs hides what went wrong with one topic among the errors of all. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  if (error instanceof Error && 'errors' in error && Array.isArray(error.errors)) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
