import type { Database } from '@meterline/pipeline/ports';
import { newWebhookSecret, webhookMessageId, type WebhookEventType } from '@meterline/pipeline/webhooks';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openTestDatabase } from '../../../../../test/support/database.ts';
import { deliveryQueue, enqueueMessage, webhookDeliveryStore, webhookEndpointStore } from './index.ts';

const NOW_MS = Date.parse('2026-11-22T01:20:10.123Z');
const MINUTE_MS = 60_000;

let db: Database;
let tenant: string;
let tenantsCount = 0;

beforeAll(async () => {
  db = await openTestDatabase();
});
afterAll(() => db.close());
beforeEach(async () => {
  // The queue knows no tenants: what other tests left behind must not be due.
  await db.query(`update webhook_delivery set state = 'failed', next_attempt_at = null`);
  tenant = `tenant-${(tenantsCount += 1)}`;
  await db.query('insert into tenant (id, name, created_at) values ($1, $1, $2)', [tenant, new Date(NOW_MS)]);
});

function subscribe(events: WebhookEventType[] = ['alert.triggered'], of = tenant) {
  return webhookEndpointStore(db).insert({ url: 'https://receiver.example/', events, secret: newWebhookSecret() }, NOW_MS, of);
}
function enqueue(id?: string, type: WebhookEventType = 'alert.triggered') {
  return db.transaction((tx) => enqueueMessage(tx, { tenant, type, data: { spend: '1.00' }, createdAtMs: NOW_MS, id }));
}
function claim(
  options: { nowMs?: number; limit?: number; perEndpointMax?: number; underWay?: { id: string; endpoint: string }[] } = {},
) {
  const { nowMs = NOW_MS, limit = 100, perEndpointMax = 100, underWay = [] } = options;
  return deliveryQueue(db).claimDue({ nowMs, leaseUntilMs: nowMs + MINUTE_MS, limit, perEndpointMax, underWay });
}
async function tableSizes(): Promise<unknown> {
  const [row] = await db.query(
    'select (select count(*) from webhook_message where tenant = $1) as messages, (select count(*) from webhook_delivery where tenant = $1) as deliveries',
    [tenant],
  );
  return row;
}
const answered = (status: number) => ({ atMs: NOW_MS, durationMs: 7, status, error: null, retryAfterMs: null });

test('a message makes one delivery, due now, for each enabled endpoint of the tenant that subscribed to its type', async () => {
  const [first, second] = [await subscribe(), await subscribe(['invoice.finalized', 'alert.triggered'])];
  await subscribe(['invoice.finalized']);
  const disabled = await subscribe();
  await db.query('update webhook_endpoint set disabled_at = $2 where id = $1', [disabled.id, new Date(NOW_MS)]);
  await webhookEndpointStore(db).remove((await subscribe()).id, NOW_MS, tenant);
  await db.query(`insert into tenant (id, name, created_at) values ('other', 'other', now()) on conflict do nothing`);
  await subscribe(['alert.triggered'], 'other');

  const { id, deliveries } = await enqueue();
  expect(new Set(deliveries).size).toBe(2);
  const claimed = await claim();
  expect(claimed.map((delivery) => delivery.endpoint).toSorted()).toEqual([first.id, second.id].toSorted());
  expect(claimed[0]).toMatchObject({ tenant, messageId: id, url: 'https://receiver.example/', attempts: 0 });
  expect(claimed[0]?.payload).toBe('{"type":"alert.triggered","timestamp":"2026-11-22T01:20:10.123Z","data":{"spend":"1.00"}}');
});

test('a transaction that is rolled back leaves neither message nor delivery', async () => {
  await subscribe();
  const failing = db.transaction(async (tx) => {
    await enqueueMessage(tx, { tenant, type: 'alert.triggered', data: {}, createdAtMs: NOW_MS });
    throw new Error('the alert was not stored');
  });
  await expect(failing).rejects.toThrow('the alert was not stored');
  expect(await tableSizes()).toEqual({ messages: '0', deliveries: '0' });
});

test('the same occurrence told again makes no second message and no second delivery', async () => {
  await subscribe();
  const id = webhookMessageId(tenant, 'alert.triggered', 'occurrence-1');
  expect((await enqueue(id)).deliveries).toHaveLength(1);
  expect(await enqueue(id)).toEqual({ id, deliveries: [] });
  expect(await tableSizes()).toEqual({ messages: '1', deliveries: '1' });
});

test('a message too large for receivers is refused with a code, and nothing is written', async () => {
  const large = db.transaction((tx) =>
    enqueueMessage(tx, { tenant, type: 'alert.triggered', data: { text: 'x'.repeat(20_000) }, createdAtMs: NOW_MS }),
  );
  await expect(large).rejects.toMatchObject({ code: 'webhook.payload_too_large' });
  expect(await tableSizes()).toEqual({ messages: '0', deliveries: '0' });
});

test('a delivery that was taken comes due again only when its lease ends', async () => {
  await subscribe();
  await enqueue();
  expect(await claim({ nowMs: NOW_MS - 1 })).toEqual([]);
  const [taken] = await claim();
  expect(taken).toBeDefined();
  expect(await claim()).toEqual([]);
  expect(await claim({ nowMs: NOW_MS + MINUTE_MS - 1 })).toEqual([]);
  expect(await claim({ nowMs: NOW_MS + MINUTE_MS })).toEqual([taken]);
});

test('workers that take at the same time never take the same delivery, and together take all', async () => {
  for (let i = 0; i < 5; i += 1) await subscribe();
  for (let i = 0; i < 20; i += 1) await enqueue();
  const taken = (await Promise.all(Array.from({ length: 20 }, () => claim({ limit: 7 })))).flat();
  expect(taken).toHaveLength(100);
  expect(new Set(taken.map((delivery) => delivery.id)).size).toBe(100);
});

test('no endpoint gets more places than allowed, counting what is under way', async () => {
  const slow = await subscribe();
  for (let i = 0; i < 10; i += 1) await enqueue();
  const other = await subscribe();
  await enqueue();
  const first = await claim({ perEndpointMax: 3 });
  expect(first.filter((delivery) => delivery.endpoint === slow.id)).toHaveLength(3);
  expect(first.filter((delivery) => delivery.endpoint === other.id)).toHaveLength(1);
  const second = await claim({
    perEndpointMax: 3,
    // claimed deliveries come in no particular order
    underWay: first.filter((delivery) => delivery.endpoint === slow.id).slice(0, 2),
  });
  expect(second).toHaveLength(1);
  expect(
    await claim({ perEndpointMax: 3, underWay: Array.from({ length: 4 }, (_, i) => ({ id: String(i), endpoint: slow.id })) }),
  ).toEqual([]);
});

test('what a worker has under way is not taken again even after its lease', async () => {
  await subscribe();
  await enqueue();
  const underWay = await claim();
  expect(await claim({ nowMs: NOW_MS + 10 * MINUTE_MS, underWay })).toEqual([]);
});

test('an attempt is recorded with what follows; the next due time is known', async () => {
  await subscribe();
  await enqueue();
  const [delivery] = await claim();
  if (delivery === undefined) throw new Error('nothing due');
  const queue = deliveryQueue(db);
  await queue.recordAttempt(delivery, { ...answered(503), error: null }, { state: 'pending', nextAttemptAtMs: NOW_MS + 5000 });
  expect(await queue.nextDueAfter(NOW_MS)).toBe(NOW_MS + 5000);
  expect(await queue.nextDueAfter(NOW_MS + 5000)).toBeUndefined();
  const [again] = await claim({ nowMs: NOW_MS + 5000 });
  expect(again).toMatchObject({ id: delivery.id, attempts: 1 });
  await queue.recordAttempt(delivery, answered(200), { state: 'delivered' });
  expect(await webhookDeliveryStore(db).byId(delivery.id, tenant)).toMatchObject({
    state: 'delivered',
    completedAtMs: NOW_MS + 7,
    nextAttemptAtMs: null,
    attempts: [
      { attempt: 1, atMs: NOW_MS, status: 503, error: null, durationMs: 7 },
      { attempt: 2, status: 200 },
    ],
  });
});

test('a success stands whatever a second worker records after it', async () => {
  await subscribe();
  await enqueue();
  const [delivery] = await claim();
  if (delivery === undefined) throw new Error('nothing due');
  const queue = deliveryQueue(db);
  await Promise.all([
    queue.recordAttempt(delivery, answered(200), { state: 'delivered' }),
    queue.recordAttempt(delivery, answered(500), { state: 'pending', nextAttemptAtMs: NOW_MS }),
  ]);
  const stored = await webhookDeliveryStore(db).byId(delivery.id, tenant);
  expect(stored).toMatchObject({ state: 'delivered', nextAttemptAtMs: null });
  expect(stored?.attempts.map(({ attempt }) => attempt)).toEqual([1, 2]);
  expect(await claim({ nowMs: NOW_MS + 100 * MINUTE_MS })).toEqual([]);
});

test('410 disables the endpoint: what else is pending waits, and is due once it is enabled', async () => {
  const { id } = await subscribe();
  await enqueue();
  await enqueue();
  const [gone, waiting] = await claim();
  if (gone === undefined || waiting === undefined) throw new Error('nothing due');
  await deliveryQueue(db).recordAttempt(gone, answered(410), { state: 'failed', disableEndpoint: 'gone' });
  expect(await webhookEndpointStore(db).byId(id, tenant)).toMatchObject({ disabledAtMs: NOW_MS, disabledReason: 'gone' });
  expect((await enqueue()).deliveries).toEqual([]);
  expect(await claim({ nowMs: NOW_MS + 10 * MINUTE_MS })).toEqual([]);
  expect(await webhookEndpointStore(db).ping(id, NOW_MS, tenant)).toBeUndefined();
  expect(await webhookDeliveryStore(db).replay(gone.id, NOW_MS, tenant)).toBeUndefined();

  expect(await webhookEndpointStore(db).enable(id, NOW_MS + MINUTE_MS, tenant)).toMatchObject({
    disabledAtMs: null,
    disabledReason: null,
  });
  expect(await claim({ nowMs: NOW_MS + MINUTE_MS })).toEqual([expect.objectContaining({ id: waiting.id })]);
});

test('an attempt that ends after its endpoint was disabled does not bring its delivery back', async () => {
  const { id } = await subscribe();
  await enqueue();
  await enqueue();
  const [gone, slow] = await claim();
  if (gone === undefined || slow === undefined) throw new Error('nothing due');
  await deliveryQueue(db).recordAttempt(gone, answered(410), { state: 'failed', disableEndpoint: 'gone' });
  await deliveryQueue(db).recordAttempt(slow, answered(500), { state: 'pending', nextAttemptAtMs: NOW_MS + 5000 });
  expect(await deliveryQueue(db).nextDueAfter(NOW_MS)).toBeUndefined();
  await webhookEndpointStore(db).enable(id, NOW_MS + 1, tenant);
  expect(await claim({ nowMs: NOW_MS + 1 })).toHaveLength(1);
});

test('a rotated secret signs along until its time is up', async () => {
  const { id } = await subscribe();
  const [before] = await db.query<{ secret: string }>('select secret from webhook_endpoint where id = $1', [id]);
  const fresh = newWebhookSecret();
  await webhookEndpointStore(db).rotateSecret(id, fresh, NOW_MS + 10 * MINUTE_MS, tenant);
  await enqueue();
  expect((await claim())[0]?.secrets).toEqual([fresh, before?.secret]);
  expect((await claim({ nowMs: NOW_MS + 10 * MINUTE_MS }))[0]?.secrets).toEqual([fresh]);
});

test('removing an endpoint forgets its secrets and ends what was pending; its deliveries stay listed', async () => {
  const { id } = await subscribe();
  const { deliveries } = await enqueue();
  const endpoints = webhookEndpointStore(db);
  expect(await endpoints.remove(id, NOW_MS, tenant)).toBe(true);
  expect(await endpoints.remove(id, NOW_MS, tenant)).toBe(false);
  expect(await endpoints.byId(id, tenant)).toBeUndefined();
  expect(await endpoints.enable(id, NOW_MS, tenant)).toBeUndefined();
  expect(await claim()).toEqual([]);
  expect(await webhookDeliveryStore(db).byId(deliveries[0] ?? '', tenant)).toMatchObject({
    state: 'failed',
    completedAtMs: NOW_MS,
  });
  expect(await db.query('select secret, previous_secret from webhook_endpoint where id = $1', [id])).toEqual([
    { secret: '', previous_secret: null },
  ]);
});

test('a replay is a new delivery of the same message; a ping reaches its endpoint alone', async () => {
  const { id } = await subscribe();
  await subscribe(['ping']);
  const { id: messageId, deliveries } = await enqueue();
  const store = webhookDeliveryStore(db);
  const replayed = await store.replay(deliveries[0] ?? '', NOW_MS + 1, tenant);
  expect(replayed).toMatchObject({ messageId, endpoint: id, state: 'pending', nextAttemptAtMs: NOW_MS + 1, attempts: [] });
  expect(replayed?.id).not.toBe(deliveries[0]);
  expect(await webhookEndpointStore(db).ping(id, NOW_MS + 2, tenant)).toMatchObject({
    type: 'ping',
    endpoint: id,
    state: 'pending',
  });
  expect((await store.page({ after: null, limit: 10 }, tenant)).items.map((delivery) => delivery.type)).toEqual([
    'ping',
    'alert.triggered',
    'alert.triggered',
  ]);
});

test('lists page through everything once, newest delivery first, and filter', async () => {
  const { id } = await subscribe(['alert.triggered', 'invoice.finalized']);
  await subscribe();
  for (let i = 0; i < 3; i += 1) {
    await enqueue();
    await enqueue(undefined, 'invoice.finalized');
  }
  const store = webhookDeliveryStore(db);
  const seen: string[] = [];
  for (let after: string | null = null, done = false; !done; done = after === null) {
    const page: Awaited<ReturnType<typeof store.page>> = await store.page({ after, limit: 4 }, tenant);
    seen.push(...page.items.map((delivery) => delivery.id));
    after = page.nextAfter;
  }
  expect(seen).toHaveLength(9);
  expect(seen).toEqual([...new Set(seen)].toSorted().toReversed());
  const count = async (filter: object) => (await store.page({ after: null, limit: 100, ...filter }, tenant)).items.length;
  expect(await count({ endpoint: id })).toBe(6);
  expect(await count({ type: 'invoice.finalized' })).toBe(3);
  expect(await count({ state: 'delivered' })).toBe(0);
  const endpoints = webhookEndpointStore(db);
  const first = await endpoints.page({ after: null, limit: 1 }, tenant);
  const second = await endpoints.page({ after: first.nextAfter, limit: 1 }, tenant);
  expect([first.items.length, second.items.length, second.nextAfter]).toEqual([1, 1, null]);
});

test('what another tenant owns does not exist', async () => {
  const { id } = await subscribe();
  const { deliveries } = await enqueue();
  const [endpoints, store, foreign] = [webhookEndpointStore(db), webhookDeliveryStore(db), 'foreign'];
  const delivery = deliveries[0] ?? '';
  expect(await endpoints.byId(id, foreign)).toBeUndefined();
  expect(await endpoints.rotateSecret(id, 'whsec_x', NOW_MS, foreign)).toBeUndefined();
  expect(await endpoints.enable(id, NOW_MS, foreign)).toBeUndefined();
  expect(await endpoints.remove(id, NOW_MS, foreign)).toBe(false);
  await db.query(`insert into tenant (id, name, created_at) values ('foreign', 'foreign', now()) on conflict do nothing`);
  expect(await endpoints.ping(id, NOW_MS, foreign)).toBeUndefined();
  expect(await store.byId(delivery, foreign)).toBeUndefined();
  expect(await store.replay(delivery, NOW_MS, foreign)).toBeUndefined();
  expect((await store.page({ after: null, limit: 10 }, foreign)).items).toEqual([]);
});
