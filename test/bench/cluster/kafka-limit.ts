import { openKafkaLog } from '@meterline/backends/kafka';
import { readSettings } from '@meterline/runtime/config';
import kafkajs from 'kafkajs';
import { eventBatch } from '../events.ts';

/** What Kafka does alone with the same records: a producer and a consumer in one process, nothing between them. */
export interface KafkaLimit {
  /** kafkajs's own producer and consumer, not compressed: the fastest it does. */
  readonly kafkajs: Throughput;
  /** Our requests on kafkajs's connections (the EventLog port), zstd. */
  readonly ours: Throughput;
}

export interface Throughput {
  readonly eventsPerSecond: number;
  /** Of producer and consumer together. */
  readonly cpuMicrosPerEvent: number;
}

const BLOCK_RECORDS = 4_000;
const BLOCKS = 8;
const LANES = 4;
const READ = { recordsMax: 40_000, bytesMax: 32_000_000 };

const { kafka: settings, partitions } = readSettings(process.env);
const blocks = Array.from({ length: BLOCKS }, (_, seed) => {
  const batch = eventBatch(BLOCK_RECORDS, seed, Date.now(), 'limit');
  batch.renumber(seed * BLOCK_RECORDS);
  return batch.events.map((value, at) => ({ partition: at % partitions, value: Buffer.from(value) }));
});

async function timed(records: number, work: () => Promise<void>): Promise<Throughput> {
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  await work();
  const seconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { eventsPerSecond: records / seconds, cpuMicrosPerEvent: (user + system) / records };
}

/** Sends whole blocks, a few at a time, until there are as many records as asked for. */
async function produce(records: number, send: (block: (typeof blocks)[number]) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < records) {
      const block = blocks[(next / BLOCK_RECORDS) % BLOCKS] ?? [];
      next += BLOCK_RECORDS;
      await send(block);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

async function withKafkajs(records: number): Promise<Throughput> {
  const kafka = new kafkajs.Kafka({ brokers: [...settings.brokers], logLevel: kafkajs.logLevel.NOTHING });
  const topic = `${settings.topic}_limit_kafkajs`;
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions, replicationFactor: settings.replication }] });
  const producer = kafka.producer();
  const consumer = kafka.consumer({ groupId: topic });
  await Promise.all([producer.connect(), consumer.connect()]);
  await consumer.subscribe({ topic, fromBeginning: true });
  const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
  const consumed = Promise.withResolvers<void>();
  let seen = 0;
  await consumer.run({
    async eachBatch({ batch }) {
      seen += batch.messages.length;
      if (seen >= records) consumed.resolve();
    },
  });
  await joined;
  const send = (messages: (typeof blocks)[number]) => producer.send({ topic, acks: -1, messages });
  const result = await timed(records, async () => {
    await Promise.all([produce(records, send), consumed.promise]);
  });
  await Promise.all([consumer.disconnect(), producer.disconnect()]);
  await admin.deleteTopics({ topics: [topic] });
  await admin.disconnect();
  return result;
}

async function withOurRequests(records: number): Promise<Throughput> {
  const { brokers, replication, minInsyncReplicas } = settings;
  const topic = `${settings.topic}_limit`;
  const log = await openKafkaLog({ brokers, replication, minInsyncReplicas, topic, partitionCount: partitions });
  const all = Array.from({ length: partitions }, (_, partition) => partition);
  const append = (block: (typeof blocks)[number]) =>
    Promise.all(
      all.map((partition) => {
        const some = block.filter((record) => record.partition === partition);
        return log.append({
          partition,
          tenant: 'default',
          appendedAtMs: Date.now(),
          records: some.map(({ value }) => ({ kind: 'event', value })),
        });
      }),
    );
  const consume = async (): Promise<void> => {
    const positions = all.map(() => 0);
    const { signal } = new AbortController();
    for (let seen = 0; seen < records;) {
      const counts = await Promise.all(positions.map(async (from, partition) => (await log.read(partition, from, READ)).length));
      for (const [partition, count] of counts.entries()) positions[partition] = (positions[partition] ?? 0) + count;
      const gained = counts.reduce((sum, count) => sum + count, 0);
      seen += gained;
      if (gained === 0) await log.appended(signal);
    }
  };
  const result = await timed(records, async () => {
    await Promise.all([produce(records, append), consume()]);
  });
  await log.close();
  const admin = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.deleteTopics({ topics: [topic] });
  await admin.disconnect();
  return result;
}

async function measure(records: number): Promise<KafkaLimit> {
  const whole = Math.ceil(records / BLOCK_RECORDS) * BLOCK_RECORDS;
  return { kafkajs: await withKafkajs(whole), ours: await withOurRequests(whole) };
}

process.on('message', (records: number) => {
  void measure(records).then((limit) => process.send?.(limit));
});
process.on('disconnect', () => process.exit(0));
