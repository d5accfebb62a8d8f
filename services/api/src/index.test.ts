import { afterAll, beforeAll, expect, test } from 'vitest';
import { faultPaths, NOW, openTestApi, RECONCILIATION, serveTestApi, type TestApi } from './fixture.ts';

interface Operation {
  summary?: string;
  tags?: string[];
  parameters?: { name: string; in: string }[];
  requestBody?: unknown;
  responses: Record<string, { content?: Record<string, { schema?: Record<string, unknown> }> }>;
}

let api: TestApi;
let document: { openapi: string; paths: Record<string, Record<string, Operation>> };
let operations: [name: string, operation: Operation][];
beforeAll(async () => {
  api = await openTestApi();
  document = (await api.server.inject({ url: '/openapi.json' })).json();
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [`${method.toUpperCase()} ${path}`, operation]),
  );
});
afterAll(() => api.close());

test('the document is OpenAPI 3.1 and holds every route', () => {
  expect(document.openapi).toMatch(/^3\.1\./);
  expect(operations.map(([name]) => name).toSorted()).toEqual(
    [
      'GET /',
      'GET /v1/api-keys',
      'POST /v1/api-keys',
      'GET /v1/api-keys/{id}',
      'POST /v1/api-keys/{id}/revoke',
      'GET /v1/audit',
      'GET /v1/clock',
      'POST /v1/clock',
      'GET /v1/customers',
      'POST /v1/customers',
      'GET /v1/customers/{key}',
      'PATCH /v1/customers/{key}',
      'GET /v1/customers/{key}/negotiated-prices',
      'POST /v1/customers/{key}/negotiated-prices',
      'POST /v1/customers/{key}/negotiated-prices/{revision}/end',
      'GET /v1/features',
      'POST /v1/features',
      'GET /v1/features/{key}',
      'POST /v1/features/{key}/archive',
      'GET /v1/meters',
      'POST /v1/meters',
      'GET /v1/meters/{key}',
      'POST /v1/meters/{key}/archive',
      'GET /v1/meters/{key}/backfill',
      'POST /v1/meters/{key}/backfill',
      'GET /v1/meters/{key}/usage',
      'GET /v1/plans',
      'POST /v1/plans',
      'GET /v1/plans/{key}',
      'POST /v1/plans/{key}/archive',
      'GET /v1/plans/{key}/versions',
      'POST /v1/plans/{key}/versions',
      'GET /v1/plans/{key}/versions/{version}',
      'PUT /v1/plans/{key}/versions/{version}',
      'POST /v1/plans/{key}/versions/{version}/archive',
      'POST /v1/plans/{key}/versions/{version}/publish',
      'GET /v1/plans/{key}/versions/{version}/price-changes',
      'POST /v1/plans/{key}/versions/{version}/price-changes',
      'GET /v1/plans/{key}/versions/{version}/prices',
      'POST /v1/prices/evaluate',
      'POST /v1/prices/evaluate/batch',
      'GET /v1/reconciliation',
      'GET /v1/sandboxes',
      'POST /v1/sandboxes',
      'GET /v1/sandboxes/{key}',
      'DELETE /v1/sandboxes/{key}',
      'GET /v1/subscriptions',
      'POST /v1/subscriptions',
      'GET /v1/subscriptions/{id}',
      'POST /v1/subscriptions/{id}/end',
    ].toSorted(),
  );
});

test('every operation has a summary, a tag, its path parameters, a described good answer and the problem answer', () => {
  for (const [name, operation] of operations) {
    expect(operation.summary, name).toMatch(/\S/);
    expect(operation.tags, name).toHaveLength(1);
    const inPath = [...name.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter);
    expect(
      operation.parameters?.filter((parameter) => parameter.in === 'path').map((parameter) => parameter.name) ?? [],
      name,
    ).toEqual(inPath);
    const [good] = Object.entries(operation.responses).filter(([status]) => status.startsWith('2'));
    expect(good?.[1].content?.['application/json']?.schema, name).toBeTypeOf('object');
    expect(operation.responses['default'], name).toBeDefined();
  }
});

test('every reference in the document resolves', () => {
  const text = JSON.stringify(document);
  for (const [, reference] of text.matchAll(/"\$ref":"([^"]+)"/g)) {
    const found = (reference ?? '')
      .replace(/^#\//, '')
      .split('/')
      .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key.replace(/~1/g, '/')], document);
    expect(found, reference).toBeDefined();
  }
});

test('a list answers items and the next cursor', () => {
  for (const name of ['meters', 'customers', 'plans', 'subscriptions', 'api-keys']) {
    const schema = document.paths[`/v1/${name}`]?.['get']?.responses['200']?.content?.['application/json']?.schema;
    expect(schema?.['required'], name).toEqual(['items', 'nextCursor']);
  }
});

test('reconciliation answers every invariant, to admins', async () => {
  expect(await api.call('GET', '/v1/reconciliation')).toEqual({ status: 200, body: RECONCILIATION });
  expect((await api.call('GET', '/v1/reconciliation', undefined, 'reader')).status).toBe(403);
});

test('the real clock can be read and not moved', async () => {
  expect((await api.call('GET', '/v1/clock', undefined, 'reader')).body).toEqual({
    now: NOW,
    test: false,
    movingTo: null,
  });
  expect(await api.call('POST', '/v1/clock', { now: '2030-01-01T00:00:00Z' })).toMatchObject({
    status: 409,
    body: { code: 'clock.not_sandbox' },
  });
});

test('a test clock moves forward only', async () => {
  const moving = await serveTestApi(api.database, { movable: true });
  const moved = await moving.call('POST', '/v1/clock', { now: '2026-12-01T00:00:00Z' });
  expect(moved.body['test']).toBe(true);
  expect(Date.parse(String(moved.body['now'])) - Date.parse('2026-12-01T00:00:00Z')).toBeLessThan(60_000);
  expect(await moving.call('POST', '/v1/clock', { now: NOW })).toMatchObject({ status: 409, body: { code: 'clock.backwards' } });
  const malformed = await moving.call('POST', '/v1/clock', { now: 'noon' });
  expect([malformed.status, faultPaths(malformed)]).toEqual([400, ['now']]);
  await moving.server.close();
});

test('the start page and the documentation need no key and load nothing from elsewhere', async () => {
  const start = await api.server.inject({ url: '/' });
  expect(start.json()).toMatchObject({ docs: '/docs', openapi: '/openapi.json' });
  const docs = await api.server.inject({ url: '/docs/' });
  expect(docs.statusCode).toBe(200);
  expect(docs.headers['content-security-policy']).toContain("default-src 'self'");
  const sources = [...docs.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source]) => source ?? '');
  expect(sources.length).toBeGreaterThan(3);
  for (const source of sources) {
    expect(source).toMatch(/^\.?\//);
    expect((await api.server.inject({ url: new URL(source, 'http://x/docs/').pathname })).statusCode).toBe(200);
  }
});
