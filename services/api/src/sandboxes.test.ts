import { invoiceStore } from '@meterline/backends/postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { faultPaths, NOW, openTestApi, type TestApi } from './fixture.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());

test('a sandbox is an empty tenant with a clock of its own, which everything that it sets goes by', async () => {
  const made = await api.call('POST', '/v1/sandboxes', { key: 'past', name: 'Past', clock: '2025-01-31T00:00:00Z' });
  const shown = { key: 'past', name: 'Past', tenant: 'one/past', now: '2025-01-31T00:00:00Z', movingTo: null, createdAt: NOW };
  expect(made).toMatchObject({ status: 201, body: shown });
  expect(made.body['apiKey']).toMatch(/^mk_test_/);
  expect(await api.call('GET', '/v1/sandboxes/past')).toEqual({ status: 200, body: shown });
  expect((await api.call('GET', '/v1/sandboxes')).body).toEqual({ items: [shown], nextCursor: null });

  const inside = (method: 'GET' | 'POST', url: string, body?: unknown) => api.call(method, url, body, 'one/past');
  expect((await inside('GET', '/v1/clock')).body).toEqual({ now: '2025-01-31T00:00:00Z', test: true, movingTo: null });
  expect((await inside('GET', '/v1/customers')).body['items']).toEqual([]);
  const customer = await inside('POST', '/v1/customers', { key: 'acme', name: 'Acme', currency: 'USD', subjects: [] });
  expect(customer.body['createdAt']).toBe('2025-01-31T00:00:00Z');
  // A key may expire at an instant that is over for everybody else.
  const key = { name: 'short', scopes: ['read'], expiresAt: '2025-02-01T00:00:00Z' };
  expect((await inside('POST', '/v1/api-keys', key)).status).toBe(201);
  expect((await api.call('POST', '/v1/api-keys', key)).body['code']).toBe('api_key.expired');

  const { items } = (await inside('GET', '/v1/audit')).body as { items: { type: string; at: string }[] };
  expect(items.map(({ type, at }) => [type, at])).toEqual(
    ['api_key', 'customer', 'invoice_schedule', 'api_key'].map((type) => [type, '2025-01-31T00:00:00Z']),
  );
});

test('the clock of a sandbox does not go back, nor that of another tenant at all', async () => {
  await api.call('POST', '/v1/sandboxes', { key: 'now', name: 'Now' });
  const move = (now: string, as: string) => api.call('POST', '/v1/clock', { now }, as);
  expect(await move('2026-03-15T12:00:29Z', 'one/now')).toMatchObject({ status: 409, body: { code: 'clock.backwards' } });
  expect(await move('2027-01-01T00:00:00Z', 'one')).toMatchObject({ status: 409, body: { code: 'clock.not_sandbox' } });
  const outOfRange = await move('2100-01-01T00:00:00Z', 'one/now');
  expect([outOfRange.body['code'], faultPaths(outOfRange)]).toEqual(['clock.out_of_range', ['now']]);
  await expect(api.database.query('update sandbox set clock_shift_ms = clock_shift_ms - 1')).rejects.toThrow(
    'only moves forward',
  );
});

test('a clock advances by the calendar of its tenant, and refuses what leads nowhere by field and rule', async () => {
  await api.call('POST', '/v1/sandboxes', { key: 'berlin', name: 'Berlin', clock: '2026-02-28T23:00:00Z' });
  const move = (body: object) => api.call('POST', '/v1/clock', body, 'one/berlin');
  const targetOf = async () => {
    const [row] = await api.database.query<{ clock_target: string }>("select clock_target from sandbox where key = 'berlin'");
    return row?.clock_target;
  };
  const schedule = { cron: '5 0 1 * *', timezone: 'Europe/Berlin', nextRunAtMs: Date.parse('2026-03-31T22:05:00Z') };
  await invoiceStore(api.database).putSchedule(schedule, 'one/berlin');
  // Nobody steps here: what is asked for is what is noted. 1 March 00:00 in Berlin and a month: its clocks are changed by then.
  const asked = new AbortController();
  void api.server.inject({
    ...{ method: 'POST', url: '/v1/clock', payload: { advance: 'P1M' }, signal: asked.signal },
    headers: { authorization: 'Bearer one/berlin' },
  }).catch(() => undefined); // prettier-ignore
  await expect.poll(targetOf, { timeout: 30_000 }).toBe('2026-03-31T22:00:00.000Z');
  asked.abort();

  for (const [body, path] of [
    [{}, ''],
    [{ now: '2026-04-01T00:00:00Z', advance: 'P1M' }, ''],
    [{ advance: '-P1M' }, 'advance'],
    [{ advance: 'one month' }, 'advance'],
    [{ advance: 'P80Y' }, 'advance'],
    [{ advance: 'P999999Y' }, 'advance'],
  ] as const) {
    const refused = await move(body);
    expect([refused.status, faultPaths(refused)]).toEqual([400, [path]]);
  }
});

test('keys of sandboxes are unique per tenant, sandboxes have none of their own, and faults name their field', async () => {
  const draft = { key: 'a', name: 'A' };
  expect((await api.call('POST', '/v1/sandboxes', draft)).status).toBe(201);
  const again = await api.call('POST', '/v1/sandboxes', draft);
  expect([again.status, again.body['code'], faultPaths(again)]).toEqual([409, 'sandbox.key_taken', ['key']]);
  expect((await api.call('POST', '/v1/sandboxes', draft, 'two')).body['tenant']).toBe('two/a');
  expect(await api.call('POST', '/v1/sandboxes', draft, 'one/a')).toMatchObject({
    status: 409,
    body: { code: 'sandbox.in_sandbox' },
  });
  for (const clock of ['1999-12-31T23:59:59Z', '2100-01-01T00:00:00Z']) {
    const refused = await api.call('POST', '/v1/sandboxes', { key: 'b', name: 'B', clock });
    expect([refused.status, refused.body['code'], faultPaths(refused)]).toEqual([400, 'clock.out_of_range', ['clock']]);
  }
  expect((await api.call('POST', '/v1/sandboxes', { key: 'a/b', name: 'B' })).status).toBe(400);
});
