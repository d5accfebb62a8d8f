import { randomUUID } from 'node:crypto';
import { type KafkaLog, type KafkaLogOptions, openKafkaLog } from '@meterline/backends/kafka';
import { Fault } from '@meterline/domain/faults';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { onAvailable } from '../engines/index.ts';
import { kafkaAvailable, type LocalKafka, startKafka } from '../engines/kafka/index.ts';

const logs = new Set<KafkaLog>();
afterEach(async () => {
  await Promise.all([...logs].map((log) => log.close()));
  logs.clear();
});

async function opened(options: KafkaLogOptions): Promise<KafkaLog> {
  const log = await openKafkaLog(options);
  logs.add(log);
  return log;
}

const within = { timeout: 60_000, interval: 50 };

function batch(partition: number, ...values: string[]) {
  const records = values.map((value) => ({ kind: 'event', value: Buffer.from(value) }) as const);
  return { partition, tenant: 't', appendedAtMs: 1, records };
}

async function valuesOf(log: KafkaLog, partition: number): Promise<string[]> {
  const { next } = await log.bounds(partition);
  const values: string[] = [];
  while (values.length < next) {
    const records = await log.read(partition, values.length, { recordsMax: 500, bytesMax: 1_000_000 });
    expect(records.length).toBeGreaterThan(0);
    for (const { offset, value } of records) {
      expect(offset).toBe(values.length);
      values.push(Buffer.from(value).toString());
    }
  }
  return values;
}

await onAvailable('the event log while Kafka brokers fail', await kafkaAvailable(), () => {
  describe('Kafka with three brokers', () => {
    let kafka: LocalKafka;
    beforeAll(async () => {
      kafka = await startKafka({ brokers: 3 });
    });
    afterAll(() => kafka.stop());

    const topicOf = (minInsyncReplicas: number): KafkaLogOptions => ({
      brokers: kafka.bootstrap,
      topic: `outages-${randomUUID()}`,
      partitionCount: 3,
      replication: 3,
      minInsyncReplicas,
    });

    it('keeps every acknowledged append while each broker in turn is killed and started again', async () => {
      const options = topicOf(2);
      const log = await opened(options);
      const acknowledged: { partition: number; first: number; values: string[] }[] = [];
      const refused: unknown[] = [];
      let running = true;
      const writers = Array.from({ length: 6 }, async (_, writer) => {
        for (let i = 0; running; i++) {
          const values = Array.from({ length: 1 + (i % 5) }, (__, k) => `${writer}/${i}/${k}`);
          const partition = (writer + i) % 3;
          await log.append(batch(partition, ...values)).then(
            (first) => acknowledged.push({ partition, first, values }),
            (error: unknown) => refused.push(error),
          );
        }
      });
      const more = async (count: number) => {
        const from = acknowledged.length;
        await vi.waitFor(() => expect(acknowledged.length).toBeGreaterThan(from + count), within);
      };
      for (const broker of [0, 1, 2]) {
        await more(200);
        await kafka.kill(broker);
        // Appends to all partitions go on without it.
        await more(200);
        await kafka.start(broker);
        await vi.waitFor(() => expect(log.trouble()).toBeUndefined(), within);
      }
      await more(200);
      running = false;
      await Promise.all(writers);

      for (const error of refused) expect(error).toMatchObject({ kind: 'unavailable' });
      const reader = await opened(options);
      const stored = await Promise.all([0, 1, 2].map((partition) => valuesOf(reader, partition)));
      for (const { partition, first, values } of acknowledged)
        expect(stored[partition]?.slice(first, first + values.length)).toEqual(values);
    }, 240_000);

    it('refuses appends when too few replicas are in sync, says so, and goes on when they are back', async () => {
      const log = await opened({ ...topicOf(3), limits: { retryForMs: 1_000, healthIntervalMs: 200 } });
      await log.append(batch(0, 'before'));
      await kafka.kill(2);
      await vi.waitFor(
        () => expect(log.append(batch(0, 'meanwhile'))).rejects.toMatchObject({ kind: 'unavailable', retryAfterSeconds: 1 }),
        within,
      );
      await vi.waitFor(() => expect(log.trouble()).toMatch(/in-sync replicas|append/), within);
      await kafka.start(2);
      await vi.waitFor(() => expect(log.append(batch(0, 'after'))).resolves.toBeGreaterThan(0), within);
      await vi.waitFor(() => expect(log.trouble()).toBeUndefined(), within);
      expect(await valuesOf(log, 0)).toEqual(expect.arrayContaining(['before', 'after']));
    });
  });

  describe('Kafka with one broker', () => {
    let kafka: LocalKafka;
    beforeAll(async () => {
      kafka = await startKafka({ brokers: 1 });
    });
    afterAll(() => kafka.stop());

    const single = (limits: NonNullable<KafkaLogOptions['limits']>): KafkaLogOptions => ({
      brokers: kafka.bootstrap,
      topic: `outages-${randomUUID()}`,
      partitionCount: 2,
      replication: 1,
      minInsyncReplicas: 1,
      limits,
    });

    function pause(): () => void {
      kafka.pause(0);
      let paused = true;
      const resume = () => {
        if (paused) kafka.resume(0);
        paused = false;
      };
      onTestFinished(resume);
      return resume;
    }

    it('is in trouble while a read gets no answer, and no longer once it does', async () => {
      const log = await opened(single({ requestTimeoutMs: 500, retryForMs: 60_000, healthIntervalMs: 60_000 }));
      await log.append(batch(0, 'a'));
      expect(log.trouble()).toBeUndefined();
      const resume = pause();
      const read = log.read(0, 0, { recordsMax: 10, bytesMax: 1_000 });
      await vi.waitFor(() => expect(log.trouble()).toMatch(/^Kafka: read /), within);
      resume();
      expect(await read).toHaveLength(1);
      await vi.waitFor(() => expect(log.trouble()).toBeUndefined(), within);
    });

    it('is in trouble without any traffic, when the broker is gone', async () => {
      const log = await opened(single({ requestTimeoutMs: 1_000, healthIntervalMs: 100 }));
      await kafka.kill(0);
      await vi.waitFor(() => expect(log.trouble()).toMatch(/^Kafka: health fails/), within);
      await kafka.start(0);
      await vi.waitFor(() => expect(log.trouble()).toBeUndefined(), within);
    });

    it('tells a waiting reader of an append after the broker was away', async () => {
      const options = single({ requestTimeoutMs: 1_000 });
      const [log, other] = [await opened(options), await opened(options)];
      await log.appended(new AbortController().signal);
      const told = log.appended(new AbortController().signal);
      await kafka.kill(0);
      await kafka.start(0);
      await vi.waitFor(() => expect(other.append(batch(1, 'a'))).resolves.toBe(0), within);
      await told;
      expect(await valuesOf(log, 1)).toEqual(['a']);
    });

    it('takes no more than the bytes allowed while the broker does not answer, and stores what it took afterwards', async () => {
      const inFlightBytesMax = 100_000;
      const log = await opened(single({ inFlightBytesMax, requestTimeoutMs: 2_000, retryForMs: 60_000 }));
      const resume = pause();
      const value = 'x'.repeat(9_000);
      const taken: Promise<number>[] = [];
      let overload: unknown;
      for (let i = 0; i < 100; i++) {
        const append = log.append(batch(i % 2, value));
        const outcome = await Promise.race([append.catch((error: unknown) => error), new Promise((next) => setImmediate(next))]);
        if (outcome instanceof Fault) {
          overload = outcome;
          break;
        }
        taken.push(append);
        expect(log.inFlightBytes).toBeLessThanOrEqual(inFlightBytesMax);
      }
      expect(overload).toMatchObject({ kind: 'unavailable', code: 'event_log.overloaded', retryAfterSeconds: 1 });
      expect(taken).toHaveLength(11);
      resume();
      await Promise.all(taken);
      expect(log.inFlightBytes).toBe(0);
      await log.append(batch(0, 'again'));
    });
  });
});
