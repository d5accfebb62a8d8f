import { connect } from 'node:net';
import { Fault } from '@meterline/domain/faults';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createMetrics } from '../metrics/index.ts';
import { createHttpServer, type HttpServer, type Principal, type Problem } from './index.ts';

const principals: Record<string, Principal> = {
  reader: { tenant: 't1', keyId: 'k1', scopes: new Set(['read']) },
  boss: { tenant: 't1', keyId: 'k2', scopes: new Set(['admin']) },
};

const tier = z.strictObject({ upTo: z.string().nullable(), unitAmount: z.string() });
const plan = z.strictObject({
  key: z.string().min(1),
  rateCards: z.array(z.strictObject({ price: z.strictObject({ tiers: z.array(tier) }) })),
});

const logged: string[] = [];
let server: HttpServer;
const logger = pino({}, { write: (line) => void logged.push(line) });

async function build(settings: { headersTimeoutMs?: number } = {}): Promise<HttpServer> {
  server = await createHttpServer({
    logger,
    metrics: createMetrics({ processMetrics: false }),
    authenticate: async (token) => principals[token],
    openapi: { title: 'Test', version: '1.2.3' },
    bodyBytesMax: 2_000,
    publicPrefixes: ['/docs'],
    ...settings,
  });
  server.get('/v1/me', { config: { scope: 'read' } }, async (request) => ({ tenant: request.principal.tenant }));
  server.get('/open', { config: { scope: 'public' } }, async () => ({ ok: true }));
  server.get('/docs/page', async () => 'page');
  server.post(
    '/v1/plans',
    { config: { scope: 'admin' }, schema: { body: plan, response: { 201: z.object({ key: z.string() }) } } },
    async (request, reply) => reply.code(201).send({ key: request.body.key }),
  );
  server.get('/v1/busy', { config: { scope: 'public' } }, async () => {
    throw new Fault('unavailable', 'test.busy', 'Busy.', { retryAfterSeconds: 7 });
  });
  server.get('/v1/broken', { config: { scope: 'public' } }, async () => {
    throw new Error('password=hunter2');
  });
  return server;
}

afterEach(() => server.close());

const asBoss = { authorization: 'Bearer boss' };
const json = { ...asBoss, 'content-type': 'application/json' };

describe('createHttpServer', () => {
  it('gives the principal of the key to the route', async () => {
    await build();
    const answer = await server.inject({ url: '/v1/me', headers: { authorization: 'Bearer reader' } });
    expect(answer.json()).toEqual({ tenant: 't1' });
  });

  it('lets an admin key do everything', async () => {
    await build();
    expect((await server.inject({ url: '/v1/me', headers: asBoss })).statusCode).toBe(200);
  });

  it('refuses to start with a route that states no scope', async () => {
    await build();
    expect(() => server.get('/forgotten', async () => 'x')).toThrow('does not state config.scope');
  });

  it('serves paths below a public prefix without a key', async () => {
    await build();
    expect((await server.inject({ url: '/docs/page' })).body).toBe('page');
  });

  const deep = '['.repeat(40) + ']'.repeat(40);
  const bad: [
    name: string,
    request: { url: string; method?: 'GET' | 'POST'; headers?: Record<string, string>; payload?: string | Buffer },
    status: number,
    code: string,
  ][] = [
    ['no key', { url: '/v1/me' }, 401, 'auth.missing_key'],
    ['another scheme', { url: '/v1/me', headers: { authorization: 'Basic abc' } }, 401, 'auth.malformed_header'],
    ['an unknown key', { url: '/v1/me', headers: { authorization: 'Bearer nope' } }, 401, 'auth.unknown_key'],
    [
      'a key without the scope',
      { url: '/v1/plans', method: 'POST', headers: { ...json, authorization: 'Bearer reader' }, payload: '{}' },
      403,
      'auth.missing_scope',
    ],
    ['an unknown route', { url: '/v1/nothing?x=1' }, 404, 'route.unknown'],
    [
      'an unknown route with a body',
      { url: '/v1/nothing', method: 'POST', headers: { 'content-type': 'text/x' }, payload: 'x' },
      404,
      'route.unknown',
    ],
    ['a broken URL', { url: '/v1/%zz' }, 400, 'request.malformed_url'],
    ['wrong JSON', { url: '/v1/plans', method: 'POST', headers: json, payload: '{"key":' }, 400, 'request.malformed_json'],
    ['NaN', { url: '/v1/plans', method: 'POST', headers: json, payload: '{"key":NaN}' }, 400, 'request.malformed_json'],
    [
      'invalid UTF-8',
      { url: '/v1/plans', method: 'POST', headers: json, payload: Buffer.from([0x22, 0xff, 0x22]) },
      400,
      'request.invalid_utf8',
    ],
    [
      '__proto__',
      { url: '/v1/plans', method: 'POST', headers: json, payload: '{"__proto__":{"x":1}}' },
      400,
      'request.forbidden_key',
    ],
    [
      'constructor',
      { url: '/v1/plans', method: 'POST', headers: json, payload: '{"a":{"constructor":{}}}' },
      400,
      'request.forbidden_key',
    ],
    ['deep nesting', { url: '/v1/plans', method: 'POST', headers: json, payload: deep }, 400, 'request.too_deep'],
    [
      'a body too big',
      { url: '/v1/plans', method: 'POST', headers: json, payload: ' '.repeat(3_000) },
      413,
      'request.body_too_large',
    ],
    [
      'another media type',
      { url: '/v1/plans', method: 'POST', headers: { ...json, 'content-type': 'text/xml' }, payload: '<a/>' },
      415,
      'request.unsupported_media_type',
    ],
    ['no body', { url: '/v1/plans', method: 'POST', headers: json }, 400, 'request.invalid'],
  ];
  it.each(bad)('answers %s with its own code', async (_name, request, status, code) => {
    await build();
    const answer = await server.inject(request);
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.json()).toMatchObject({
      type: `urn:meterline:problem:${code}`,
      status,
      code,
      title: expect.any(String),
      detail: expect.any(String),
    });
  });

  it('names every fault of a body at once, each at its path', async () => {
    await build();
    const payload = {
      key: '',
      extra: 1,
      rateCards: [
        {
          price: {
            tiers: [
              { upTo: null, unitAmount: '1' },
              { upTo: 5, unitAmount: '1' },
            ],
          },
        },
      ],
    };
    const answer = await server.inject({ url: '/v1/plans', method: 'POST', headers: json, payload });
    expect(answer.json<Problem>().code).toBe('request.invalid');
    const paths = answer.json<Problem>().errors.map(({ path }) => path);
    expect(paths.toSorted()).toEqual(['extra', 'key', 'rateCards[0].price.tiers[1].upTo']);
  });

  it('says when to come back', async () => {
    await build();
    const answer = await server.inject({ url: '/v1/busy' });
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '7']);
  });

  it('tells nothing about an unexpected error but logs it', async () => {
    await build();
    logged.length = 0;
    const answer = await server.inject({ url: '/v1/broken' });
    expect(answer.json()).toMatchObject({ status: 500, code: 'internal' });
    expect(answer.body).not.toContain('hunter2');
    expect(logged.join('')).toContain('request failed');
  });

  it('sends security headers with every answer', async () => {
    await build();
    for (const url of ['/open', '/v1/nothing', '/v1/me']) {
      const { headers } = await server.inject({ url });
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY' });
    }
  });

  it('describes its routes as OpenAPI 3.1 with problem answers and scopes', async () => {
    await build();
    const schema = { properties: { rateCards: expect.anything() } };
    const post = {
      requestBody: { content: { 'application/json': { schema } } },
      responses: { default: expect.anything() },
      description: expect.stringContaining('Scope: admin'),
    };
    expect((await server.inject({ url: '/openapi.json' })).json()).toMatchObject({
      openapi: expect.stringMatching(/^3\.1/),
      info: { title: 'Test', version: '1.2.3' },
      paths: { '/v1/plans': { post }, '/open': { get: { security: [] } } },
    });
  });

  it('cuts off a client that sends its headers too slowly', async () => {
    await build({ headersTimeoutMs: 100 });
    await server.listen({ port: 0, host: '127.0.0.1' });
    const address = server.server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => socket.write('GET /open HTTP/1.1\r\nHost: x\r\n'));
      let text = '';
      socket.on('data', (chunk) => (text += String(chunk)));
      socket.on('close', () => resolve(text));
      socket.on('error', reject);
    });
    expect(answer).toContain('408');
    expect(answer).toContain('request.timeout');
  });

  it('closes though a connection was opened and never used, and still answers the request that is being served', async () => {
    await build();
    const served = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    server.get('/slow', { config: { scope: 'public' } }, async () => {
      served.resolve();
      await finish.promise;
      return { done: true };
    });
    const url = await server.listen({ port: 0, host: '127.0.0.1' });
    const silent = connect(Number(new URL(url).port), '127.0.0.1');
    const cut = new Promise<void>((resolve) => silent.once('close', () => resolve()));
    const slow = fetch(`${url}/slow`);
    await served.promise;
    const closed = server.close();
    await cut;
    finish.resolve();
    expect(await (await slow).json()).toEqual({ done: true });
    await closed;
  });
});
