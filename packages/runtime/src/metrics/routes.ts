import type { HttpServer } from '../http/fastify.ts';
import type { Metrics } from './metrics.ts';

/** `GET /metrics`, for a Prometheus scraper on the inside. */
export function metricsRoutes(server: HttpServer, metrics: Metrics): void {
  server.get('/metrics', { config: { scope: 'public' }, schema: { hide: true } }, async (_request, reply) => {
    const { contentType, body } = await metrics.expose();
    return reply.type(contentType).serializer(String).send(body);
  });
}
