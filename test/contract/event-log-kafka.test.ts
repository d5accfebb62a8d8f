import { randomUUID } from 'node:crypto';
import { type KafkaLogOptions, openKafkaLog } from '@meterline/backends/kafka';
import { partitionOf } from '@meterline/pipeline/events';
import { LogGapError } from '@meterline/pipeline/ports';
import { CompressionTypes, Kafka, logLevel, type Message, Partitioners } from 'kafkajs';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { onEngines } from '../engines/index.ts';
import { decodeRecord } from '../../packages/pipeline/src/aggregation/decode.ts';
import { eventLogContract } from './event-log.contract.ts';

const unlimited = { recordsMax: 1_000, bytesMax: 1_000_000 };

it('is said to be unreachable when no broker answers', async () => {
  const topic = { topic: 'none', partitionCount: 1, replication: 1, minInsyncReplicas: 1 };
  await expect(openKafkaLog({ ...topic, brokers: ['127.0.0.1:1'] })).rejects.toMatchObject({
    kind: 'unavailable',
    code: 'event_log.unavailable',
  });
});

await onEngines('event log on Kafka', ['kafka'], ({ kafka: server }) => {
  const client = () => new Kafka({ brokers: [...server.brokers], logLevel: logLevel.NOTHING });

  async function withAdmin<T>(use: (admin: ReturnType<Kafka['admin']>) => Promise<T>): Promise<T> {
    const admin = client().admin();
    await admin.connect();
    try {
      return await use(admin);
    } finally {
      await admin.disconnect();
    }
  }

  function newTopic(partitionCount: number): KafkaLogOptions {
    return { brokers: server.brokers, topic: `contract-${randomUUID()}`, partitionCount, replication: 1, minInsyncReplicas: 1 };
  }

  const remove = ({ topic }: Pick<KafkaLogOptions, 'topic'>) => withAdmin((admin) => admin.deleteTopics({ topics: [topic] }));

  eventLogContract('event log on Kafka', async (partitionCount) => {
    const options = newTopic(partitionCount);
    return { open: () => openKafkaLog(options), remove: () => remove(options) };
  });

  it('is opened without a word in the log, also by several that create it at once, and again', async () => {
    const options = newTopic(2);
    const onLog = vi.fn();
    const open = () => openKafkaLog({ ...options, callbacks: { onLog } });
    const logs = [...(await Promise.all([open(), open(), open()])), await open()];
    expect(new Set(logs.map(({ topicId }) => topicId)).size).toBe(1);
    expect(onLog.mock.calls).toEqual([]);
    await Promise.all(logs.map((log) => log.close()));
    await remove(options);
  });

  describe('a topic that another program may have made', () => {
    it('is refused with another number of partitions', async () => {
      const options = newTopic(2);
      await (await openKafkaLog(options)).close();
      await expect(openKafkaLog({ ...options, partitionCount: 3 })).rejects.toMatchObject({ code: 'event_log.partition_count' });
      await remove(options);
    });

    it('is refused with settings that would lose events, each named', async () => {
      const options = newTopic(1);
      const configEntries = [
        { name: 'cleanup.policy', value: 'compact' },
        { name: 'retention.ms', value: '3600000' },
      ];
      await withAdmin((admin) => admin.createTopics({ topics: [{ topic: options.topic, numPartitions: 1, configEntries }] }));
      const faults = ['cleanup.policy', 'retention.ms', 'message.timestamp.type', 'compression.type', 'max.message.bytes'];
      await expect(openKafkaLog(options)).rejects.toMatchObject({
        code: 'event_log.topic_settings',
        errors: expect.arrayContaining(faults.map((path) => expect.objectContaining({ path }) as unknown)) as unknown,
      });
      await remove(options);
    });

    it('is another log when made anew, and offsets of the old one are a gap', async () => {
      const options = newTopic(1);
      const old = await openKafkaLog(options);
      await old.append({ partition: 0, tenant: 't', appendedAtMs: 1, records: [{ kind: 'event', value: Buffer.from('a') }] });
      await old.close();
      await remove(options);
      const anew = await openKafkaLog(options);
      expect(anew.logId).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      expect(anew.logId).not.toBe(old.logId);
      const named = await openKafkaLog({ ...options, logId: old.logId });
      expect([named.logId, named.topicId]).toEqual([old.logId, anew.topicId]);
      await named.close();
      await expect(anew.read(0, 1, unlimited)).rejects.toThrow(LogGapError);
      await anew.close();
      await remove(options);
    });
  });

  describe('messages of other programs', () => {
    const options = { ...{ partitionCount: 4, replication: 1, minInsyncReplicas: 1 }, topic: `foreign-${randomUUID()}` };
    let log: Awaited<ReturnType<typeof openKafkaLog>>;
    beforeAll(async () => {
      log = await openKafkaLog({ ...options, brokers: server.brokers });
    });
    afterAll(async () => {
      await log.close();
      await remove(options);
    });

    const event = { id: 'e1', source: 'shop', type: 'call', subject: 's1', time: '2026-11-01T00:00:00Z', data: { n: 1 } };
    const value = JSON.stringify(event);
    const place = partitionOf('acme', 'shop', 'e1', 4);
    const headers = { 'meterline-tenant': 'acme', 'content-type': 'application/cloudevents+json' };
    let nextOf = new Map<number, number>();
    afterEach(async () => {
      nextOf = new Map(await Promise.all([0, 1, 2, 3].map(async (p) => [p, (await log.bounds(p)).next] as const)));
    });

    async function sent(partition: number, messages: Omit<Message, 'partition'>[], compression = CompressionTypes.None) {
      const producer = client().producer({ createPartitioner: Partitioners.DefaultPartitioner });
      await producer.connect();
      await producer.send({ topic: options.topic, compression, messages: messages.map((one) => ({ ...one, partition })) });
      await producer.disconnect();
      const records = await log.read(partition, nextOf.get(partition) ?? 0, unlimited);
      expect(records).toHaveLength(messages.length);
      return records.map((record) => ({ record, decoded: decodeRecord(record) }));
    }

    it.each([CompressionTypes.None, CompressionTypes.GZIP])('count like those of ingest, packed with codec %i', async (codec) => {
      const before = Date.now();
      const [one] = await sent(place, [{ key: 'any', value, headers, timestamp: '1' }], codec);
      expect(one?.record).toMatchObject({ tenant: 'acme', kind: 'event' });
      expect(one?.decoded).toMatchObject({ fault: null, event: { type: 'call', subject: 's1' } });
      // The broker's clock, whatever the message says.
      expect(one?.record.appendedAtMs).toBeGreaterThanOrEqual(before - 1_000);
    });

    it('may withdraw and replace', async () => {
      const kinds = ['void', 'replace'].map((kind) => ({ value, headers: { ...headers, 'meterline-kind': kind } }));
      expect((await sent(place, kinds)).map(({ decoded }) => [decoded.kind, decoded.fault])).toEqual([
        ['void', null],
        ['replace', null],
      ]);
    });

    it('are rejected, each with its reason and in its place, when they are malformed', async () => {
      const malformed = await sent(place, [
        { value },
        { value, headers: { 'meterline-tenant': 'a\nb' } },
        { value, headers: { ...headers, 'meterline-kind': 'update' } },
        { value, headers: { ...headers, 'meterline-appended-ms': 'now' } },
        { value: null, headers },
        { value: 'no json', headers },
        { value: '{"id":1}', headers },
      ]);
      expect(malformed.map(({ decoded }) => [decoded.tenant, decoded.fault?.code, decoded.fault?.detail])).toEqual([
        ['', 'event.malformed', 'the message has no header meterline-tenant'],
        ['', 'event.malformed', 'the header meterline-tenant must have 1 to 256 characters, without control characters'],
        ['acme', 'event.malformed', 'the header meterline-kind must be event, void or replace'],
        ['acme', 'event.malformed', 'the header meterline-appended-ms must be epoch milliseconds'],
        ['acme', 'event.malformed', 'the message has no value'],
        ['acme', 'event.malformed', 'the record is not JSON'],
        ['acme', 'event.malformed', 'id and source must be text'],
      ]);
    });

    it('are rejected in a partition where their duplicates would not meet them', async () => {
      const [one] = await sent((place + 1) % 4, [{ value, headers }]);
      expect(one?.decoded).toMatchObject({ event: null, fault: { code: 'event.wrong_partition' } });
    });

    it('belong to the default tenant, if there is one, when they name none', async () => {
      const other = await openKafkaLog({ ...options, brokers: server.brokers, tenantDefault: 'acme' });
      await sent(place, [{ value }]);
      const [record] = await other.read(place, nextOf.get(place) ?? 0, unlimited);
      expect(record).toMatchObject({ tenant: 'acme', kind: 'event' });
      expect(record?.fault).toBeUndefined();
      await other.close();
    });

    it('are rejected when written in a transaction, and its end takes its offset as a rejected record', async () => {
      const producer = client().producer({
        createPartitioner: Partitioners.DefaultPartitioner,
        transactionalId: randomUUID(),
        maxInFlightRequests: 1,
        idempotent: true,
      });
      await producer.connect();
      for (const end of ['abort', 'commit'] as const) {
        const transaction = await producer.transaction();
        await transaction.send({ topic: options.topic, messages: [{ value, headers, partition: place }] });
        await transaction[end]();
      }
      await producer.disconnect();
      const from = nextOf.get(place) ?? 0;
      // The broker answers a commit before its marker is in the partition.
      const records = await vi.waitFor(async () => {
        const read = await log.read(place, from, unlimited);
        expect(read).toHaveLength(4);
        return read;
      }, 10_000);
      expect(records.map(({ offset, fault }) => [offset - from, fault?.code])).toEqual(
        [0, 1, 2, 3].map((offset) => [offset, 'event.transactional']),
      );
      expect(await log.read(place, from + 1, { ...unlimited, recordsMax: 1 })).toEqual(records.slice(1, 2));
    });
  });
});
