import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type EmbeddedPostgres, openPglite } from '../../embedded/index.ts';
import { migrate } from '../migrate.ts';
import { postgresTopicLogs } from './topic-logs.ts';

let database: EmbeddedPostgres;
beforeAll(async () => {
  database = await openPglite({ folder: null });
  await migrate(database, path.join(import.meta.dirname, '../../../../../infra/postgres/migrations'));
});
afterAll(() => database.close());

it('knows the topic it was first read from, and refuses another one of the same name', async () => {
  const logs = postgresTopicLogs(database);
  await logs.register('events', 'log-1', 4);
  await logs.confirm('events', 'topic-a');
  await logs.confirm('events', 'topic-a');
  await expect(logs.confirm('events', 'topic-b')).rejects.toMatchObject({ code: 'event_log.topic_replaced' });
});
