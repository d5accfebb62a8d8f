import { expect, it } from 'vitest';
import { createHttpServer } from '../http/index.ts';
import { createLogger } from '../logging/index.ts';
import { createMetrics, metricsRoutes } from '../metrics/index.ts';
import { createHealth, healthRoutes } from './index.ts';

it('serves /healthz, /readyz and /metrics without a key', async () => {
  const metrics = createMetrics({ processMetrics: false });
  const health = createHealth();
  const server = await createHttpServer({
    logger: createLogger({ level: 'silent', service: 'test' }),
    metrics,
    authenticate: async () => undefined,
    openapi: { title: 'Test', version: '1' },
    bodyBytesMax: 1_000,
  });
  healthRoutes(server, health);
  metricsRoutes(server, metrics);
  let reason: string | undefined = 'starting';
  health.add('worker', () => reason);

  const unready = await server.inject('/readyz');
  expect([unready.statusCode, unready.json()]).toEqual([
    503,
    { status: 'unready', failing: [{ check: 'worker', reason: 'starting' }] },
  ]);
  expect((await server.inject('/healthz')).statusCode).toBe(200);
  reason = undefined;
  expect((await server.inject('/readyz')).json()).toEqual({ status: 'ready', failing: [] });
  const exposed = await server.inject('/metrics');
  expect(exposed.headers['content-type']).toContain('text/plain');
  expect(exposed.body).toContain('meterline_http_request_duration_seconds_count{method="GET",route="/readyz",status="503"} 1');
  await server.close();
});
