import { apiKeyAuthenticator, parseApiKey } from '@meterline/runtime/keys';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { faultPaths, NOW, openTestApi, type TestApi } from './fixture.ts';

let api: TestApi;
beforeAll(async () => (api = await openTestApi()));
afterAll(() => api.close());

const clock = { nowMs: () => Date.parse(NOW), sleepUntil: () => Promise.resolve() };

test('a new key is shown once, opens what its scopes say, and nothing once revoked', async () => {
  const created = await api.call('POST', '/v1/api-keys', {
    name: 'CI',
    scopes: ['ingest', 'read'],
    expiresAt: '2027-01-01T00:00:00Z',
  });
  expect(created).toMatchObject({
    status: 201,
    body: { name: 'CI', scopes: ['ingest', 'read'], expiresAt: '2027-01-01T00:00:00Z', revokedAt: null, createdAt: NOW },
  });
  const { key, ...shown } = created.body;
  const id = String(shown['id']);
  expect(parseApiKey(String(key))).toMatchObject({ id });
  expect(await apiKeyAuthenticator({ database: api.database, clock, serverClock: clock })(String(key))).toMatchObject({
    tenant: 'one',
    scopes: new Set(['ingest', 'read']),
  });

  expect((await api.call('GET', `/v1/api-keys/${id}`)).body).toEqual(shown);
  expect((await api.call('GET', '/v1/api-keys')).body).toEqual({ items: [shown], nextCursor: null });
  expect((await api.call('POST', `/v1/api-keys/${id}/revoke`)).body).toEqual({ ...shown, revokedAt: NOW });
  await expect(apiKeyAuthenticator({ database: api.database, clock, serverClock: clock })(String(key))).rejects.toMatchObject({
    code: 'auth.revoked_key',
  });
});

test('the secret of a key is stored nowhere, whatever headers came with it', async () => {
  const headers = { authorization: 'Bearer one', 'content-type': 'application/json', 'idempotency-key': 'k' };
  const answer = await api.server.inject({
    method: 'POST',
    url: '/v1/api-keys',
    headers,
    payload: '{"name":"x","scopes":["read"]}',
  });
  const secret = parseApiKey(answer.json<{ key: string }>().key)?.secret ?? 'none';
  const rows = await api.database.query('select k::text as row from api_key k union all select i::text from idempotency_key i');
  expect(rows.length).toBeGreaterThan(0);
  expect(JSON.stringify(rows)).not.toContain(secret);
});

test.each([
  ['no scope', { name: 'x', scopes: [] }, 'scopes'],
  ['a scope twice', { name: 'x', scopes: ['read', 'read'] }, 'scopes'],
  ['an unknown scope', { name: 'x', scopes: ['write'] }, 'scopes[0]'],
  ['an expiry that has passed', { name: 'x', scopes: ['read'], expiresAt: NOW }, 'expiresAt'],
  ['no name', { scopes: ['read'] }, 'name'],
  ['an unknown field', { name: 'x', scopes: ['read'], tenant: 'two' }, 'tenant'],
])('a key with %s is refused, naming the field', async (_name, body, path) => {
  const answer = await api.call('POST', '/v1/api-keys', body);
  expect(answer.status).toBe(400);
  expect(faultPaths(answer)).toEqual([path]);
});

test('keys are for admins only', async () => {
  expect((await api.call('GET', '/v1/api-keys', undefined, 'reader')).status).toBe(403);
  expect(await api.call('POST', '/v1/api-keys/nope/revoke')).toMatchObject({ status: 404, body: { code: 'api_key.unknown' } });
});
