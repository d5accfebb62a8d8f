import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { deliveryQueue, enqueueMessage, webhookDeliveryStore, webhookEndpointStore } from '@meterline/backends/postgres/webhooks';
import type { Clock, Database, DeliveryQueue } from '@meterline/pipeline/ports';
import { createWebhookSender, newWebhookSecret, type SendWebhook } from '@meterline/pipeline/webhooks';
import { testClock, type TestClock } from '@meterline/runtime/clock';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { openTestDatabase } from '../../../../test/support/database.ts';
import { type DeliveriesOptions, startDeliveries } from './index.ts';

const START = '2023-11-16T19:15:00.000Z';
const HOUR_MS = 3_600_000;
const TENANT = 'default';

let db: Database;
let clock: TestClock;
const cleanups: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  db = await openTestDatabase();
  await db.query('insert into tenant (id, name, created_at) values ($1, $1, $2)', [TENANT, START]);
});
afterAll(() => db.close());
beforeEach(async () => {
  await db.query(`update webhook_delivery set state = 'failed', next_attempt_at = null`);
  await db.query('update webhook_endpoint set removed_at = now()');
  clock = testClock(START);
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

interface Received {
  readonly id: string;
  readonly body: string;
  readonly headers: http.IncomingHttpHeaders;
}

/** A webhook receiver that answers what `answer` says, and the endpoint it is registered as. */
async function receiver(answer: (attempt: number) => number | Promise<number>) {
  const received: Received[] = [];
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push({
        id: String(request.headers['webhook-id']),
        body: Buffer.concat(chunks).toString(),
        headers: request.headers,
      });
      void Promise.resolve(answer(received.length)).then((status) => response.writeHead(status).end());
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanups.push(() => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const secret = newWebhookSecret();
  const endpoint = await webhookEndpointStore(db).insert({ url, events: ['alert.triggered'], secret }, clock.nowMs(), TENANT);
  return { received, endpoint: endpoint.id, secret };
}

function start(options: Partial<DeliveriesOptions> = {}) {
  const sender = createWebhookSender({ policy: 'loopback' });
  const logger = { warn: vi.fn<() => void>(), error: vi.fn<() => void>() };
  const deliveries = startDeliveries({
    queue: deliveryQueue(db),
    clock,
    send: sender.send,
    logger,
    random: () => 0.5,
    ...options,
  });
  cleanups.push(async () => {
    await deliveries.close(0);
    await sender.close();
  });
  return { ...deliveries, logger };
}

function enqueue(data: Record<string, unknown> = {}) {
  return db.transaction((tx) =>
    enqueueMessage(tx, { tenant: TENANT, type: 'alert.triggered', data, createdAtMs: clock.nowMs() }),
  );
}

async function delivery(id: string | undefined) {
  const found = await webhookDeliveryStore(db).byId(id ?? '', TENANT);
  if (found === undefined) throw new Error('no such delivery');
  return found;
}

/** Waits until `check` no longer throws. */
const eventually = <T>(check: () => T | Promise<T>): Promise<T> => vi.waitFor(check, { timeout: 10_000, interval: 5 });

test('a message is delivered as soon as it is told, not at the next look, and the official library verifies it', async () => {
  const { received, secret } = await receiver(() => 204);
  const stopped: Clock = {
    nowMs: () => clock.nowMs(),
    sleepUntil: (_atMs, signal) =>
      signal?.aborted === true ? Promise.resolve() : new Promise((wake) => signal?.addEventListener('abort', () => wake())),
  };
  const { notify } = start({ clock: stopped });
  const { id, deliveries } = await enqueue({ spend: '50.00' });
  notify();
  await eventually(() => expect(received).toHaveLength(1));
  const [request] = received;
  expect(request?.id).toBe(id);
  // Signed with the machine's time though the test clock is years back: receivers judge freshness by theirs.
  const verified = new Webhook(secret).verify(request?.body ?? '', (request?.headers ?? {}) as Record<string, string>);
  expect(verified).toMatchObject({ type: 'alert.triggered', data: { spend: '50.00' } });
  await eventually(async () =>
    expect(await delivery(deliveries[0])).toMatchObject({ state: 'delivered', attempts: [{ attempt: 1, status: 204 }] }),
  );
});

test('what another process enqueued is found without being told', async () => {
  const { received } = await receiver(() => 204);
  start();
  await enqueue();
  await eventually(() => expect(received).toHaveLength(1));
});

test('a receiver that fails for three days gets ten attempts with one webhook-id, at their times by the Clock', async () => {
  const { received } = await receiver(() => 500);
  const { notify } = start();
  const { id, deliveries } = await enqueue();
  notify();
  for (let attempt = 1; attempt < 10; attempt += 1) {
    const { nextAttemptAtMs } = await eventually(async () => {
      const current = await delivery(deliveries[0]);
      expect(current.attempts).toHaveLength(attempt);
      return current;
    });
    expect(nextAttemptAtMs).toBeGreaterThan(clock.nowMs());
    clock.moveTo(nextAttemptAtMs ?? 0);
  }
  const failed = await eventually(async () => {
    const current = await delivery(deliveries[0]);
    expect(current.state).toBe('failed');
    return current;
  });
  const waits = failed.attempts.map(({ atMs }, i) => Math.round((atMs - (failed.attempts[i - 1]?.atMs ?? atMs)) / 10_000) * 10);
  expect(waits).toEqual([0, 10, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]);
  clock.moveTo(clock.nowMs() + 100 * HOUR_MS);
  expect(await deliveryQueue(db).nextDueAfter(0)).toBeUndefined();
  expect(received.map((request) => request.id)).toEqual(Array.from({ length: 10 }, () => id));
  expect(new Set(received.map((request) => request.body)).size).toBe(1);
});

test('a crash between sending and recording repeats the delivery with the same webhook-id', async () => {
  const { received } = await receiver(() => 204);
  const queue = deliveryQueue(db);
  const crashing: DeliveryQueue = { ...queue, recordAttempt: () => Promise.reject(new Error('killed')) };
  const first = start({ queue: crashing });
  const { id, deliveries } = await enqueue();
  first.notify();
  await eventually(() => expect(first.logger.error).toHaveBeenCalledOnce());
  await first.close(0);

  start();
  expect(received).toHaveLength(1);
  clock.moveTo(clock.nowMs() + 31_000);
  await eventually(async () => expect(await delivery(deliveries[0])).toMatchObject({ state: 'delivered' }));
  expect(received.map((request) => request.id)).toEqual([id, id]);
});

test('a slow endpoint holds up nobody else, and gets no more requests at a time than its places', async () => {
  let release = (): void => undefined;
  const held = new Promise<number>((done) => (release = () => done(204)));
  const slow = await receiver(() => held);
  for (let i = 0; i < 20; i += 1) await enqueue();
  const quick = await receiver(() => 204);
  const { notify } = start({ concurrency: 4, perEndpointMax: 2 });
  for (let i = 0; i < 20; i += 1) await enqueue();
  notify();
  await eventually(() => expect(quick.received).toHaveLength(20));
  expect(slow.received).toHaveLength(2);
  release();
  await eventually(() => expect(slow.received).toHaveLength(40));
  expect(new Set(slow.received.map((request) => request.id)).size).toBe(40);
});

test('several workers send each due attempt once', async () => {
  const { received } = await receiver(() => 204);
  const workers = Array.from({ length: 4 }, () => start({ concurrency: 3, perEndpointMax: 3 }));
  const sent = await Promise.all(Array.from({ length: 60 }, () => enqueue()));
  for (const worker of workers) worker.notify();
  const rows = () =>
    db.query(`select id from webhook_delivery where state = 'delivered' and id = any($1)`, [
      sent.flatMap((each) => each.deliveries),
    ]);
  await eventually(async () => expect(await rows()).toHaveLength(60));
  expect(received).toHaveLength(60);
  expect(new Set(received.map((request) => request.id)).size).toBe(60);
});

test('410 disables the endpoint and nothing more is sent until it is enabled', async () => {
  const { received, endpoint } = await receiver((attempt) => (attempt === 1 ? 410 : 204));
  const { notify } = start({ perEndpointMax: 1 });
  const first = await enqueue();
  const second = await enqueue();
  notify();
  await eventually(async () =>
    expect(await webhookEndpointStore(db).byId(endpoint, TENANT)).toMatchObject({
      disabledReason: expect.stringContaining('410') as string,
    }),
  );
  clock.moveTo(clock.nowMs() + 24 * HOUR_MS);
  const states = async () =>
    (await Promise.all([first, second].map(({ deliveries }) => delivery(deliveries[0])))).map(({ state }) => state);
  expect((await states()).toSorted()).toEqual(['failed', 'pending']);
  expect(received).toHaveLength(1);
  await webhookEndpointStore(db).enable(endpoint, clock.nowMs(), TENANT);
  notify();
  await eventually(async () => expect((await states()).toSorted()).toEqual(['delivered', 'failed']));
});

test('a replay reaches the receiver with the webhook-id of the original', async () => {
  const { received } = await receiver(() => 204);
  const { notify } = start();
  const { id, deliveries } = await enqueue();
  notify();
  await eventually(async () => expect(await delivery(deliveries[0])).toMatchObject({ state: 'delivered' }));
  await webhookDeliveryStore(db).replay(deliveries[0] ?? '', clock.nowMs(), TENANT);
  notify();
  await eventually(() => expect(received.map((request) => request.id)).toEqual([id, id]));
});

test('a refused target is a failed attempt that says why', async () => {
  const { received } = await receiver(() => 204);
  const guarded = createWebhookSender({ policy: 'public' });
  cleanups.push(() => guarded.close());
  const { notify } = start({ send: guarded.send });
  const { deliveries } = await enqueue();
  notify();
  const attempts = [{ status: null, error: expect.stringContaining('webhook.target_refused') as string }];
  await eventually(async () => expect(await delivery(deliveries[0])).toMatchObject({ state: 'pending', attempts }));
  expect(received).toHaveLength(0);
});

test('a store that is out of reach for a while delays deliveries and loses none', async () => {
  const { received } = await receiver(() => 204);
  const queue = deliveryQueue(db);
  let outages = 1;
  const flaky: DeliveryQueue = {
    ...queue,
    claimDue: (claim) => (outages-- > 0 ? Promise.reject(new Error('connection lost')) : queue.claimDue(claim)),
  };
  await enqueue();
  const { logger } = start({ queue: flaky });
  await eventually(() => expect(received).toHaveLength(1));
  expect(logger.warn).toHaveBeenCalledOnce();
});

test('closing waits for deliveries under way, and breaks off those that take too long without losing them', async () => {
  let release = (): void => undefined;
  const held = new Promise<void>((done) => (release = done));
  let begun = 0;
  const send: SendWebhook = async (_webhook, signal) => {
    begun += 1;
    await Promise.race([
      held,
      new Promise<never>((_done, fail) => signal.addEventListener('abort', () => fail(signal.reason as Error))),
    ]);
    return { status: 200, error: null, retryAfterMs: null, durationMs: 1 };
  };
  await receiver(() => 204);
  const patient = start({ send });
  const drained = await enqueue();
  patient.notify();
  await eventually(() => expect(begun).toBe(1));
  const closed = patient.close(10_000);
  release();
  await closed;
  expect(await delivery(drained.deliveries[0])).toMatchObject({ state: 'delivered' });

  const hasty = start({
    send: (_webhook, signal) =>
      new Promise((_done, fail) => signal.addEventListener('abort', () => fail(signal.reason as Error))),
  });
  const broken = await enqueue();
  hasty.notify();
  await eventually(async () => expect((await delivery(broken.deliveries[0])).nextAttemptAtMs).toBeGreaterThan(clock.nowMs()));
  await hasty.close(0);
  expect(hasty.logger.error).not.toHaveBeenCalled();
  expect(await delivery(broken.deliveries[0])).toMatchObject({ state: 'pending', attempts: [] });
});
