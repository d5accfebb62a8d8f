import { createHttpServer } from '@meterline/runtime/http';
import { createLogger } from '@meterline/runtime/logging';
import { createMetrics } from '@meterline/runtime/metrics';
import { expect, it } from 'vitest';
import { describeEventRoutes } from './index.ts';

it('describes every route that takes events, and sends who calls it to ingest, whatever the body is', async () => {
  const server = await createHttpServer({
    logger: createLogger({ level: 'silent', service: 'test' }),
    metrics: createMetrics({ processMetrics: false }),
    authenticate: async () => ({ tenant: 't1', keyId: 'k', scopes: new Set(['ingest']) }),
    openapi: { title: 'Test', version: '1' },
    bodyBytesMax: 1_000,
  });
  describeEventRoutes(server);
  await server.ready();
  expect((await server.inject('/openapi.json')).json()).toMatchObject({
    paths: {
      '/v1/events': { post: { requestBody: { content: { 'application/x-ndjson': expect.anything() } } } },
      '/v1/events/{id}/void': { post: expect.anything() },
      '/v1/events/{id}/replace': { post: expect.anything() },
    },
  });
  for (const url of ['/v1/events', '/v1/events/e1/void', '/v1/events/e1/replace']) {
    const headers = { authorization: 'Bearer x', 'content-type': 'application/x-ndjson' };
    const answer = await server.inject({ method: 'POST', url, headers, payload: '{}\n' });
    expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([421, 'route.at_ingest']);
  }
  await server.close();
});
