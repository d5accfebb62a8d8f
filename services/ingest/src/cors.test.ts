import { readSettings } from '@meterline/runtime/config';
import { afterEach, describe, expect, it } from 'vitest';
import { event, testIngest, type TestIngest } from './ingest.fixture.ts';

const SHOP = 'https://shop.example';

let ingest: TestIngest;
afterEach(() => ingest.server.close());

const preflight = (origin: string, url = '/v1/events') =>
  ingest.server.inject({
    method: 'OPTIONS',
    url,
    headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization,content-type' },
  });
const allowed = (headers: Record<string, unknown>) => Object.keys(headers).filter((name) => name.startsWith('access-control-'));

describe('a page of an allowed origin', () => {
  it('may send events with a key, without cookies', async () => {
    ingest = await testIngest({ corsOrigins: ['https://other.example', SHOP] });
    const answer = await preflight(SHOP);
    expect([answer.statusCode, answer.body]).toEqual([204, '']);
    expect(answer.headers).toMatchObject({
      vary: 'origin',
      'access-control-allow-origin': SHOP,
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'authorization, content-type',
    });
    expect(answer.headers).not.toHaveProperty('access-control-allow-credentials');
  });

  it('may read what became of them, also why they were refused and when to come back', async () => {
    ingest = await testIngest({ corsOrigins: [SHOP], authenticate: async () => undefined });
    const unknown = await ingest.post(event(), { origin: SHOP });
    expect([unknown.statusCode, unknown.headers['access-control-allow-origin']]).toEqual([401, SHOP]);
    await ingest.server.close();
    ingest = await testIngest({ corsOrigins: [SHOP] });
    for (const [body, status] of [
      [event(), 202],
      [{}, 400],
    ] as const) {
      const answer = await ingest.post(body, { origin: SHOP });
      expect(answer.statusCode).toBe(status);
      expect(answer.headers).toMatchObject({
        vary: 'origin',
        'access-control-allow-origin': SHOP,
        'access-control-expose-headers': 'retry-after',
      });
    }
  });

  it('may nothing else: corrections stay with servers', async () => {
    ingest = await testIngest({ corsOrigins: [SHOP] });
    expect((await preflight(SHOP, '/v1/events/e1/void')).statusCode).toBe(404);
    expect(allowed((await ingest.post({}, { origin: SHOP }, '/v1/events/e1/void')).headers)).toEqual([]);
    expect(allowed((await ingest.post(event(), { origin: SHOP }, '/v1/events/e1/replace')).headers)).toEqual([]);
  });
});

it.each(['https://evil.example', 'https://shop.example.evil', 'http://shop.example', `${SHOP}:8443`, 'null'])(
  'a page of %s gets no permission',
  async (origin) => {
    ingest = await testIngest({ corsOrigins: [SHOP] });
    expect(allowed((await preflight(origin)).headers)).toEqual([]);
    expect(allowed((await ingest.post(event(), { origin })).headers)).toEqual([]);
  },
);

it('no page gets any unless origins are set', async () => {
  ingest = await testIngest({ corsOrigins: readSettings({}).http.corsOrigins });
  expect((await preflight(SHOP)).statusCode).toBe(404);
  const answer = await ingest.post(event(), { origin: SHOP });
  expect([answer.statusCode, allowed(answer.headers), answer.headers.vary]).toEqual([202, [], undefined]);
});
