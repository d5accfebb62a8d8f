import { expect, it } from 'vitest';
import { createKafkaClient } from './client.ts';
import type { ClusterConnection } from './kafkajs-internals.ts';
import { createTroubleWatch } from './trouble.ts';

it('gives up connections that never answer, tries again with new ones, and closes without waiting for the old', async () => {
  const never = new Promise<never>(() => undefined);
  const watch = createTroubleWatch(5_000);
  let made = 0;
  const client = createKafkaClient({
    connect: () => {
      made += 1;
      const cluster = { refresh: () => (made === 1 ? never : Promise.resolve()), partitions: () => [], disconnect: () => never };
      return cluster as Partial<ClusterConnection> as ClusterConnection;
    },
    requestTimeoutMs: 10,
    retryForMs: 60_000,
    watch,
    onRetry: ({ error }) => {
      expect(error).toMatchObject({ message: 'no answer to read within 5010 ms' });
      expect(watch.trouble()).toMatch(/^Kafka: read fails: no answer/);
    },
  });
  expect(await client.run('read', async () => 'answer')).toBe('answer');
  expect(made).toBe(2);
  expect(watch.trouble()).toBeUndefined();
  await client.close();
});
