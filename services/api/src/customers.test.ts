import { afterAll, beforeAll, expect, test } from 'vitest';
import { faultPaths, NOW, openTestApi, type TestApi } from './fixture.ts';

let api: TestApi;
beforeAll(async () => (api = await openTestApi()));
afterAll(() => api.close());

const acme = { key: 'acme', name: 'Acme', currency: 'USD', subjects: ['u2', 'u1'] };

async function takeWakeups(): Promise<unknown> {
  const rows = await api.database.query<{ tenant: string; customers: string[] }>(
    'delete from rating_wakeup returning tenant, customers',
  );
  return rows.map(({ tenant, customers }) => [tenant, ...customers]);
}

test('a customer is created with its defaults, read back, and rating is woken for it', async () => {
  const created = await api.call('POST', '/v1/customers', acme);
  expect(created).toEqual({
    status: 201,
    body: { ...acme, timezone: 'UTC', subjects: ['u1', 'u2'], paymentMethod: null, createdAt: NOW },
  });
  expect((await api.call('GET', '/v1/customers/acme', undefined, 'reader')).body).toEqual(created.body);
  expect(await takeWakeups()).toEqual([['one', 'acme']]);
});

test('a change touches only what it names, and wakes rating', async () => {
  expect((await api.call('PATCH', '/v1/customers/acme', { name: 'Acme Inc' })).body).toMatchObject({
    name: 'Acme Inc',
    timezone: 'UTC',
    subjects: ['u1', 'u2'],
  });
  expect((await api.call('PATCH', '/v1/customers/acme', { subjects: ['u2', 'u3'], timezone: 'Asia/Tokyo' })).body).toMatchObject({
    name: 'Acme Inc',
    timezone: 'Asia/Tokyo',
    subjects: ['u2', 'u3'],
  });
  expect(await takeWakeups()).toEqual([
    ['one', 'acme'],
    ['one', 'acme'],
  ]);
});

test('a subject belongs to one customer: a refusal names it, and leaves nothing behind', async () => {
  const beta = { key: 'beta', name: 'Beta', currency: 'USD', subjects: ['free', 'u3', 'u2'] };
  const refused = await api.call('POST', '/v1/customers', beta);
  expect(refused).toMatchObject({ status: 409, body: { code: 'customer.subject_taken' } });
  expect(refused.body['errors']).toEqual([
    { path: 'subjects[1]', message: '"u3" belongs to another customer' },
    { path: 'subjects[2]', message: '"u2" belongs to another customer' },
  ]);
  expect((await api.call('GET', '/v1/customers/beta')).status).toBe(404);
  expect((await api.call('POST', '/v1/customers', { ...beta, subjects: ['free'] })).status).toBe(201);
  await takeWakeups();

  const change = await api.call('PATCH', '/v1/customers/beta', { name: 'Gone', subjects: ['u3'] });
  expect(change).toMatchObject({ status: 409, body: { code: 'customer.subject_taken', errors: [{ path: 'subjects[0]' }] } });
  expect((await api.call('GET', '/v1/customers/beta')).body).toMatchObject({ name: 'Beta', subjects: ['free'] });
  expect(await takeWakeups()).toEqual([]);
});

test('a subject given up can be taken by another customer', async () => {
  await api.call('PATCH', '/v1/customers/beta', { subjects: [] });
  expect((await api.call('PATCH', '/v1/customers/acme', { subjects: ['free'] })).body).toMatchObject({ subjects: ['free'] });
});

test('a taken key and an unknown customer say so', async () => {
  expect(await api.call('POST', '/v1/customers', acme)).toMatchObject({
    status: 409,
    body: { code: 'customer.key_taken', errors: [{ path: 'key' }] },
  });
  expect(await api.call('GET', '/v1/customers/nope')).toMatchObject({ status: 404, body: { code: 'customer.unknown' } });
  expect(await api.call('PATCH', '/v1/customers/nope', { name: 'x' })).toMatchObject({
    status: 404,
    body: { code: 'customer.unknown' },
  });
});

const ok = { key: 'ok', name: 'Ok', currency: 'USD', subjects: [] };

test.each([
  ['a key with a slash', { ...ok, key: 'a/b' }, 'key'],
  ['a key of 129 characters', { ...ok, key: 'k'.repeat(129) }, 'key'],
  ['an empty name', { ...ok, name: '' }, 'name'],
  ['a currency that is none', { ...ok, currency: 'DOG' }, 'currency'],
  ['an offset for a zone', { ...ok, timezone: '+01:00' }, 'timezone'],
  ['no subjects', { ...ok, subjects: undefined }, 'subjects'],
  ['an empty subject', { ...ok, subjects: ['a', ''] }, 'subjects[1]'],
  ['a subject twice', { ...ok, subjects: ['a', 'b', 'a'] }, 'subjects[2]'],
  ['a line break in a name', { ...ok, name: 'a\nb' }, 'name'],
  ['an unknown field', { ...ok, email: 'a@b' }, 'email'],
])('a customer with %s is refused, naming the field', async (_name, body, path) => {
  const answer = await api.call('POST', '/v1/customers', body);
  expect(answer.status).toBe(400);
  expect(faultPaths(answer)).toEqual([path]);
});

test.each([
  ['key', { key: 'other' }],
  ['currency', { currency: 'EUR' }],
])('the %s of a customer cannot be changed', async (path, change) => {
  const answer = await api.call('PATCH', '/v1/customers/acme', change);
  expect(answer.status).toBe(400);
  expect(faultPaths(answer)).toEqual([path]);
});

test('the same request with the same Idempotency-Key creates once', async () => {
  const request = {
    method: 'POST',
    url: '/v1/customers',
    headers: { authorization: 'Bearer one', 'content-type': 'application/json', 'idempotency-key': 'k1' },
    payload: JSON.stringify({ ...ok, key: 'once' }),
  } as const;
  const first = await api.server.inject(request);
  const second = await api.server.inject(request);
  expect([first.statusCode, second.statusCode]).toEqual([201, 201]);
  expect(second.body).toBe(first.body);
});
