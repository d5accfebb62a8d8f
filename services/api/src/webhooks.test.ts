import { deliveryQueue, enqueueMessage, webhookDeliveryStore, webhookEndpointStore } from '@meterline/backends/postgres/webhooks';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { faultPaths, NOW, openTestApi, type TestApi } from './fixture.ts';
import { webhookRoutes } from './webhooks.ts';

const NOW_MS = Date.parse(NOW);
const URL = 'https://receiver.example/hook';
const notify = vi.fn<() => void>();

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
  webhookRoutes(api.server, {
    endpoints: webhookEndpointStore(api.database),
    deliveries: webhookDeliveryStore(api.database),
    clock: { nowMs: () => NOW_MS },
    serverClock: { nowMs: () => NOW_MS, sleepUntil: () => Promise.reject(new Error('routes do not wait')) },
    policy: 'public',
    notify,
  });
});
afterAll(() => api.close());
beforeEach(() => notify.mockClear());

async function create(events: string[] = ['alert.triggered'], as = 'one'): Promise<{ id: string; secret: string }> {
  const { status, body } = await api.call('POST', '/v1/webhook-endpoints', { url: URL, events }, as);
  expect(status).toBe(201);
  return { id: String(body['id']), secret: String(body['secret']) };
}
const enqueue = (tenant = 'one') =>
  api.database.transaction((tx) => enqueueMessage(tx, { tenant, type: 'alert.triggered', data: {}, createdAtMs: NOW_MS }));

test('creating answers the secret; nothing shows it again', async () => {
  const { status, body } = await api.call('POST', '/v1/webhook-endpoints', {
    url: URL,
    events: ['alert.triggered', 'invoice.finalized'],
  });
  expect(status).toBe(201);
  const { secret, ...endpoint } = body;
  expect(secret).toMatch(/^whsec_/);
  expect(endpoint).toEqual({
    id: expect.stringMatching(/^whe_/) as string,
    url: URL,
    events: ['alert.triggered', 'invoice.finalized'],
    createdAt: NOW,
    disabledAt: null,
    disabledReason: null,
  });
  expect((await api.call('GET', `/v1/webhook-endpoints/${String(body['id'])}`)).body).toEqual(endpoint);
  const list = await api.call('GET', '/v1/webhook-endpoints?limit=1000');
  expect(list.body['items']).toContainEqual(endpoint);
});

test.each([
  [
    'an unknown event type',
    { url: URL, events: ['alert.triggerd'] },
    'request.invalid',
    'events[0]',
    'must be one of: alert.triggered, entitlement.threshold_reached, invoice.finalized, credit_note.issued, subscription.changed, subscription.trial_will_end, subscription.trial_ended, ping',
  ],
  ['no event type', { url: URL, events: [] }, 'request.invalid', 'events', 'must name at least one event type'],
  ['an unknown field', { url: URL, events: ['ping'], secret: 'x' }, 'request.invalid', 'secret', 'unknown field'],
  [
    'this machine',
    { url: 'http://0x7f.1/', events: ['ping'] },
    'webhook.target_refused',
    'url',
    'METERLINE_WEBHOOK_ALLOW=loopback',
  ],
  ['cloud metadata', { url: 'http://169.254.169.254/', events: ['ping'] }, 'webhook.target_refused', 'url', 'linkLocal'],
  ['another scheme', { url: 'ftp://receiver.example', events: ['ping'] }, 'webhook.target_refused', 'url', 'https:// or http://'],
])('an endpoint with %s is refused, naming the field and the rule', async (_what, draft, code, path, message) => {
  const answer = await api.call('POST', '/v1/webhook-endpoints', draft);
  expect(answer).toMatchObject({
    status: 400,
    body: { code, errors: [{ message: expect.stringContaining(message) as string }] },
  });
  expect(faultPaths(answer)).toEqual([path]);
});

test('rotating answers a new secret, and the old one signs along for 24 hours', async () => {
  const { id, secret } = await create();
  const rotated = await api.call('POST', `/v1/webhook-endpoints/${id}/rotate-secret`);
  expect(rotated.status).toBe(200);
  expect(rotated.body['secret']).not.toBe(secret);
  await api.call('POST', `/v1/webhook-endpoints/${id}/test`);
  const claim = { limit: 100, perEndpointMax: 100, underWay: [] };
  const secretsAt = async (nowMs: number) => {
    const claimed = await deliveryQueue(api.database).claimDue({ ...claim, nowMs, leaseUntilMs: nowMs });
    return claimed.find((delivery) => delivery.endpoint === id)?.secrets;
  };
  expect(await secretsAt(NOW_MS + 24 * 3_600_000 - 1)).toEqual([rotated.body['secret'], secret]);
  expect(await secretsAt(NOW_MS + 24 * 3_600_000)).toEqual([rotated.body['secret']]);
});

test('a test sends a ping to that endpoint alone and wakes the deliverer', async () => {
  const { id } = await create();
  const ping = await api.call('POST', `/v1/webhook-endpoints/${id}/test`);
  expect(ping).toMatchObject({
    status: 202,
    body: { endpoint: id, type: 'ping', state: 'pending', createdAt: NOW, nextAttemptAt: NOW, attempts: [] },
  });
  expect(notify).toHaveBeenCalledOnce();
  expect((await api.call('GET', `/v1/webhook-deliveries/${String(ping.body['id'])}`)).body).toEqual(ping.body);
  expect((await api.call('GET', `/v1/webhook-deliveries?endpoint=${id}&type=ping&state=pending`)).body).toEqual({
    items: [ping.body],
    nextCursor: null,
  });
});

test('the same Idempotency-Key pings once', async () => {
  const { id } = await create();
  const headers = { authorization: 'Bearer one', 'idempotency-key': 'ping-once' };
  for (let i = 0; i < 2; i += 1) await api.server.inject({ method: 'POST', url: `/v1/webhook-endpoints/${id}/test`, headers });
  const { body } = await api.call('GET', `/v1/webhook-deliveries?endpoint=${id}`);
  expect(body['items']).toHaveLength(1);
});

test('a delivery is listed with its attempts and can be replayed', async () => {
  const { id } = await create();
  const { id: messageId, deliveries } = await enqueue();
  const own = (await api.call('GET', `/v1/webhook-deliveries?endpoint=${id}`)).body['items'] as { id: string }[];
  const delivery = { id: own[0]?.id ?? '', endpoint: id };
  expect(deliveries).toContain(delivery.id);
  const result = {
    atMs: NOW_MS,
    durationMs: 3,
    status: null,
    error: 'webhook.timeout: no answer within 15 s',
    retryAfterMs: null,
  };
  await deliveryQueue(api.database).recordAttempt(delivery, result, { state: 'failed' });
  expect((await api.call('GET', `/v1/webhook-deliveries/${delivery.id}`)).body).toMatchObject({
    messageId,
    state: 'failed',
    nextAttemptAt: null,
    attempts: [{ attempt: 1, at: NOW, status: null, error: result.error, durationMs: 3 }],
  });
  const replayed = await api.call('POST', `/v1/webhook-deliveries/${delivery.id}/replay`);
  expect(replayed).toMatchObject({ status: 202, body: { messageId, endpoint: id, state: 'pending', attempts: [] } });
  expect(replayed.body['id']).not.toBe(delivery.id);
  expect(notify).toHaveBeenCalledOnce();
});

test('nothing is sent to a disabled endpoint until it is enabled', async () => {
  const { id } = await create();
  const ping = await api.call('POST', `/v1/webhook-endpoints/${id}/test`);
  const delivery = { id: String(ping.body['id']), endpoint: id };
  const gone = { atMs: NOW_MS, durationMs: 3, status: 410, error: null, retryAfterMs: null };
  await deliveryQueue(api.database).recordAttempt(delivery, gone, {
    state: 'failed',
    disableEndpoint: 'the receiver answered 410 Gone',
  });
  expect((await api.call('GET', `/v1/webhook-endpoints/${id}`)).body).toMatchObject({
    disabledAt: NOW,
    disabledReason: 'the receiver answered 410 Gone',
  });
  for (const url of [`/v1/webhook-endpoints/${id}/test`, `/v1/webhook-deliveries/${delivery.id}/replay`]) {
    expect(await api.call('POST', url)).toMatchObject({ status: 409, body: { code: 'webhook_endpoint.disabled' } });
  }
  notify.mockClear();
  expect((await api.call('POST', `/v1/webhook-endpoints/${id}/enable`)).body).toMatchObject({
    disabledAt: null,
    disabledReason: null,
  });
  expect(notify).toHaveBeenCalledOnce();
  expect((await api.call('POST', `/v1/webhook-deliveries/${delivery.id}/replay`)).status).toBe(202);
});

test('a deleted endpoint is gone, its deliveries are not', async () => {
  const { id } = await create();
  const ping = await api.call('POST', `/v1/webhook-endpoints/${id}/test`);
  const remove = () =>
    api.server.inject({ method: 'DELETE', url: `/v1/webhook-endpoints/${id}`, headers: { authorization: 'Bearer one' } });
  expect((await remove()).statusCode).toBe(204);
  expect((await remove()).statusCode).toBe(404);
  expect(await api.call('GET', `/v1/webhook-endpoints/${id}`)).toMatchObject({
    status: 404,
    body: { code: 'webhook_endpoint.unknown' },
  });
  expect((await api.call('GET', `/v1/webhook-deliveries/${String(ping.body['id'])}`)).body).toMatchObject({ state: 'failed' });
});

test('another tenant and a key that may only read get nowhere', async () => {
  const { id } = await create();
  const ping = await api.call('POST', `/v1/webhook-endpoints/${id}/test`);
  const delivery = String(ping.body['id']);
  const reads = [`/v1/webhook-endpoints/${id}`, `/v1/webhook-deliveries/${delivery}`];
  const writes = [
    ...['rotate-secret', 'enable', 'test'].map((action) => `/v1/webhook-endpoints/${id}/${action}`),
    `/v1/webhook-deliveries/${delivery}/replay`,
  ];
  for (const url of reads) {
    expect((await api.call('GET', url, undefined, 'two')).status).toBe(404);
    expect((await api.call('GET', url, undefined, 'reader')).status).toBe(200);
  }
  for (const url of writes) {
    expect((await api.call('POST', url, undefined, 'two')).status).toBe(404);
    expect((await api.call('POST', url, undefined, 'reader')).status).toBe(403);
  }
  expect((await api.call('GET', '/v1/webhook-endpoints', undefined, 'two')).body['items']).toEqual([]);
  expect((await api.call('GET', '/v1/webhook-deliveries', undefined, 'two')).body['items']).toEqual([]);
});

test('lists are paged', async () => {
  for (let i = 0; i < 3; i += 1) await create(['ping'], 'two');
  const ids: unknown[] = [];
  for (let url: string | null = '/v1/webhook-endpoints?limit=2'; url !== null;) {
    const { body } = await api.call('GET', url, undefined, 'two');
    ids.push(...(body['items'] as { id: string }[]).map((item) => item.id));
    url = body['nextCursor'] === null ? null : `/v1/webhook-endpoints?limit=2&cursor=${String(body['nextCursor'])}`;
  }
  expect(new Set(ids).size).toBe(3);
});
