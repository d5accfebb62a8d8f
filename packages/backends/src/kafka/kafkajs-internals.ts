/**
 * The only file that reaches behind the public interface of kafkajs 2.2.4 (pinned; kafkajs-internals.test.ts breaks if they change). Taken
 * from it: connections with TLS and SASL, the list of brokers, and who leads which partition. Not taken: its consumer, which after
 * an offset out of range goes on elsewhere, and its producer, which forgets what succeeded when one partition of a request fails.
 */
import { createRequire } from 'node:module';
import type { KafkaConfig } from 'kafkajs';
import type { BrokerRequest } from './wire/requests.ts';

export interface PartitionState {
  readonly partitionId: number;
  /** Node id of the leading broker; negative while there is none. */
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}

/** Connections to the brokers of a cluster, and what they last said about a topic. */
export interface ClusterConnection {
  /** Connects, if need be, and asks for the state of the topic. */
  refresh(): Promise<void>;
  /** As of the last refresh. */
  partitions(): readonly PartitionState[];
  send<Answer>(nodeId: number, request: BrokerRequest<Answer>): Promise<Answer>;
  /** Offset behind the newest message (`latest`) or of the oldest (`earliest`), by partition; all of them are led by this node. */
  listOffsets(nodeId: number, partitions: readonly number[], which: 'earliest' | 'latest'): Promise<ReadonlyMap<number, number>>;
  deleteRecords(nodeId: number, partition: number, beforeOffset: number): Promise<void>;
  disconnect(): Promise<void>;
}

interface Protocol {
  readonly request: {
    readonly apiKey: number;
    readonly apiName: string;
    readonly apiVersion: number;
    readonly encode: () => Promise<{ readonly buf: Buffer; readonly buffer: Buffer }>;
  };
  readonly response: {
    readonly decode: (body: Buffer) => Promise<{ readonly answer: unknown }>;
    readonly parse: (decoded: { readonly answer: unknown }) => Promise<unknown>;
  };
  readonly requestTimeout: number;
}

interface Broker {
  readonly versions: Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>>;
  readonly connectionPool: { send(protocol: Protocol): Promise<unknown> };
  listOffsets(options: { topics: unknown; isolationLevel: number }): Promise<{
    responses: readonly { partitions: readonly { partition: number; offset: string }[] }[];
  }>;
  deleteRecords(options: { topics: unknown }): Promise<unknown>;
}

interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  refreshMetadata(): Promise<void>;
  findBroker(options: { nodeId: string }): Promise<Broker>;
  findTopicPartitionMetadata(topic: string): PartitionState[];
}

interface RequestQueue {
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests(): void;
}

interface Connection {
  connect(): Promise<unknown>;
}

const load = createRequire(import.meta.url);
const ClusterOfKafkajs = load('kafkajs/src/cluster/index.js') as new (options: Record<string, unknown>) => Cluster;
const RequestQueueOfKafkajs = load('kafkajs/src/network/requestQueue/index.js') as { prototype: RequestQueue };
const ConnectionOfKafkajs = load('kafkajs/src/network/connection.js') as { prototype: Connection };
const { createLogger } = load('kafkajs/src/loggers/index.js') as { createLogger: (options: unknown) => unknown };
const defaultSocketFactory = load('kafkajs/src/network/socketFactory.js') as () => unknown;

// With nothing pending kafkajs sets a timer in the past, which Node 24 warns of and fires every millisecond for ever.
const { scheduleCheckPendingRequests } = RequestQueueOfKafkajs.prototype;
RequestQueueOfKafkajs.prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
  if (this.pending.length > 0) scheduleCheckPendingRequests.call(this);
};

// kafkajs opens a socket for every caller that finds none open, and reads what all of them receive as one stream.
const { connect } = ConnectionOfKafkajs.prototype;
const connecting = new WeakMap<Connection, Promise<unknown>>();
ConnectionOfKafkajs.prototype.connect = function (this: Connection) {
  const made = connecting.get(this) ?? connect.call(this).finally(() => connecting.delete(this));
  connecting.set(this, made);
  return made;
};

export type ConnectionOptions = Required<Pick<KafkaConfig, 'clientId' | 'requestTimeout' | 'connectionTimeout' | 'logCreator'>> &
  Pick<KafkaConfig, 'ssl' | 'sasl'> & { readonly brokers: readonly string[] };

/** Connections are made when first needed. One slow fetch holds up those behind it: long polls need a cluster connection of their own. */
export function connectCluster(options: ConnectionOptions, topic: string): ClusterConnection {
  const cluster = new ClusterOfKafkajs({
    ...options,
    logger: createLogger({ level: 2, logCreator: options.logCreator }),
    socketFactory: defaultSocketFactory(),
    enforceRequestTimeout: true,
    allowAutoTopicCreation: false,
    retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 2 },
  });

  const brokerOf = (nodeId: number): Promise<Broker> => cluster.findBroker({ nodeId: String(nodeId) });

  return {
    async refresh() {
      await cluster.connect();
      await cluster.addTargetTopic(topic);
      await cluster.refreshMetadata();
    },
    partitions: () => cluster.findTopicPartitionMetadata(topic),
    async send(nodeId, request) {
      const broker = await brokerOf(nodeId);
      requireVersion(broker, request);
      const answer = await broker.connectionPool.send(protocolOf(request, options.requestTimeout));
      return answer as ReturnType<typeof request.decode>;
    },
    async listOffsets(nodeId, partitions, which) {
      const broker = await brokerOf(nodeId);
      const timestamp = which === 'earliest' ? -2 : -1;
      const topics = [{ topic, partitions: partitions.map((partition) => ({ partition, timestamp })) }];
      // Without `isolationLevel` the end of committed transactions would be asked for.
      const { responses } = await broker.listOffsets({ topics, isolationLevel: 0 });
      return new Map(
        responses.flatMap((one) => one.partitions.map(({ partition, offset }) => [partition, Number(offset)] as const)),
      );
    },
    async deleteRecords(nodeId, partition, beforeOffset) {
      const broker = await brokerOf(nodeId);
      await broker.deleteRecords({ topics: [{ topic, partitions: [{ partition, offset: String(beforeOffset) }] }] });
    },
    disconnect: () => cluster.disconnect(),
  };
}

function requireVersion(broker: Broker, { apiKey, apiName, apiVersion }: BrokerRequest<unknown>): void {
  const { minVersion, maxVersion } = broker.versions[apiKey] ?? { minVersion: 0, maxVersion: -1 };
  if (apiVersion < minVersion || apiVersion > maxVersion)
    throw new Error(`the broker knows versions ${minVersion} to ${maxVersion} of ${apiName}, not ${apiVersion}`);
}

function protocolOf(request: BrokerRequest<unknown>, requestTimeoutMs: number): Protocol {
  const { apiKey, apiName, apiVersion, body, decode, waitMs } = request;
  return {
    request: { apiKey, apiName, apiVersion, encode: async () => ({ buf: body, buffer: body }) },
    response: {
      // In an object, as kafkajs looks for a throttle time in what was decoded.
      decode: async (bytes) => ({ answer: decode(bytes) }),
      parse: async ({ answer }) => answer,
    },
    requestTimeout: requestTimeoutMs + waitMs,
  };
}
