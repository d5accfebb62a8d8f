import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  deliveryQueue,
  enqueueMessage,
  webhookDeliveryStore,
  webhookEndpointStore,
  type Postgres,
} from '@meterline/backends/postgres';
import type { Database } from '@meterline/pipeline/ports';
import { newWebhookSecret } from '@meterline/pipeline/webhooks';
import { testClock } from '@meterline/runtime/clock';
import { addIdempotency, createHttpServer } from '@meterline/runtime/http';
import { createLogger } from '@meterline/runtime/logging';
import { createMetrics } from '@meterline/runtime/metrics';
import { freshDatabase, onEngines } from '../engines/index.ts';
import { heldAfter, together, untilWaiting } from '../support/parallel.ts';

const NOW_MS = Date.parse('2026-11-22T00:00:00Z');

await onEngines('webhooks and idempotency on parallel connections of PostgreSQL', ['postgres'], async ({ postgres }) => {
  const fresh = await freshDatabase(postgres);
  let database: Postgres;
  let other: Postgres;
  let tenants = 0;
  let tenant = '';

  beforeAll(async () => {
    database = await fresh.open({ poolMax: 16 });
    other = await fresh.open();
  });
  afterAll(() => fresh.drop());
  beforeEach(async () => {
    tenant = `t${(tenants += 1)}`;
    await database.query('insert into tenant (id, name, created_at) values ($1, $1, now())', [tenant]);
    await database.query(`update webhook_delivery set state = 'failed', next_attempt_at = null`);
  });

  const endpoint = () => {
    const draft = { url: 'https://receiver.example/', events: ['alert.triggered' as const], secret: newWebhookSecret() };
    return webhookEndpointStore(database).insert(draft, NOW_MS, tenant);
  };
  const enqueue = (on: Database) =>
    on.transaction((tx) => enqueueMessage(tx, { tenant, type: 'alert.triggered', data: {}, createdAtMs: NOW_MS }));
  const pending = () => database.query(`select id from webhook_delivery where state = 'pending' and tenant = $1`, [tenant]);

  describe('webhooks on parallel connections', () => {
    test('workers that claim at once never take the same delivery, and together take all', async () => {
      const endpoints = await Promise.all([endpoint(), endpoint(), endpoint()]);
      for (let count = 0; count < 20; count += 1) await enqueue(database);
      const taken: string[] = [];
      const work = async () => {
        for (;;) {
          const claim = { nowMs: NOW_MS, leaseUntilMs: NOW_MS + 60_000, limit: 4, perEndpointMax: 4, underWay: [] };
          const claimed = await deliveryQueue(database).claimDue(claim);
          taken.push(...claimed.map(({ id }) => id));
          if (claimed.length === 0 && (await deliveryQueue(database).nextDueAfter(NOW_MS - 1)) !== NOW_MS) return;
        }
      };
      await together(Array.from({ length: 6 }, () => work));
      expect(taken).toHaveLength(20 * endpoints.length);
      expect(new Set(taken).size).toBe(taken.length);
    });

    test('two workers that both record an attempt keep both', async () => {
      await endpoint();
      const [id = ''] = (await enqueue(database)).deliveries;
      const delivery = await webhookDeliveryStore(database).byId(id, tenant);
      const result = { atMs: NOW_MS, durationMs: 7, status: 500, error: null, retryAfterMs: null };
      await together(
        Array.from(
          { length: 6 },
          () => () =>
            deliveryQueue(database).recordAttempt({ id, endpoint: delivery?.endpoint ?? '' }, result, {
              state: 'pending',
              nextAttemptAtMs: NOW_MS + 1000,
            }),
        ),
      );
      const attempts = (await webhookDeliveryStore(database).byId(id, tenant))?.attempts.map(({ attempt }) => attempt);
      expect(attempts).toEqual([1, 2, 3, 4, 5, 6]);
    });

    test('a message told while an endpoint is removed leaves nothing pending for it', async () => {
      const first = await endpoint();
      const telling = heldAfter(other, /insert into webhook_message/);
      const told = enqueue(telling.database);
      await telling.reached;
      const removing = webhookEndpointStore(database).remove(first.id, NOW_MS, tenant);
      await Promise.race([removing, untilWaiting(database)]);
      telling.release();
      await Promise.all([told, removing]);
      expect(await pending()).toEqual([]);

      const second = await endpoint();
      const leaving = heldAfter(other, /^update webhook_endpoint/);
      const removed = webhookEndpointStore(leaving.database).remove(second.id, NOW_MS, tenant);
      await leaving.reached;
      const late = enqueue(database);
      await Promise.race([late, untilWaiting(database)]);
      leaving.release();
      await Promise.all([late, removed]);
      expect(await pending()).toEqual([]);
    });

    test('the same occurrence told by several at once is one message with one delivery', async () => {
      await endpoint();
      const told = await together(
        Array.from(
          { length: 8 },
          () => () =>
            database.transaction((tx) =>
              enqueueMessage(tx, { tenant, type: 'alert.triggered', data: {}, createdAtMs: NOW_MS, id: `msg-${tenant}` }),
            ),
        ),
      );
      expect(told.flatMap(({ deliveries }) => deliveries)).toHaveLength(1);
      expect(await pending()).toHaveLength(1);
    });
  });

  describe('idempotency keys on parallel connections', () => {
    test('the same request sent to several processes at once runs once, and its answer is given again', async () => {
      let runs = 0;
      const release = Promise.withResolvers<void>();
      const openServer = async (on: Database) => {
        const server = await createHttpServer({
          logger: createLogger({ level: 'silent', service: 'test' }),
          metrics: createMetrics({ processMetrics: false }),
          authenticate: async () => ({ tenant, keyId: 'k', scopes: new Set(['admin']) }),
          openapi: { title: 'Test', version: '1' },
          bodyBytesMax: 1000,
        });
        addIdempotency(server, { database: on, clock: testClock('2026-11-22T00:00:00Z') });
        server.post('/v1/things', { config: { scope: 'admin', idempotent: true } }, async (_request, reply) => {
          runs += 1;
          await release.promise;
          return reply.code(201).send({ run: runs });
        });
        return server;
      };
      const servers = await Promise.all([openServer(database), openServer(other), openServer(await fresh.open())]);
      const headers = { authorization: 'Bearer k', 'idempotency-key': 'once' };
      const post = (server: (typeof servers)[number]) =>
        server.inject({ method: 'POST', url: '/v1/things', headers, payload: { a: 1 } });
      const answers: number[] = [];
      const first = servers.flatMap((server) => [post(server), post(server)]);
      for (const answer of first) void answer.then(({ statusCode }) => answers.push(statusCode));
      // All but one are told to come again while it runs.
      await expect.poll(() => answers).toEqual([409, 409, 409, 409, 409]);
      release.resolve();
      await Promise.all(first);
      expect(answers.at(-1)).toBe(201);
      for (const server of servers) {
        const again = await post(server);
        expect([again.statusCode, again.json(), again.headers['idempotent-replayed']]).toEqual([201, { run: 1 }, 'true']);
      }
      expect(runs).toBe(1);
      await Promise.all(servers.map((server) => server.close()));
    });
  });
});
