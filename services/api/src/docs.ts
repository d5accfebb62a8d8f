import swaggerUi from '@fastify/swagger-ui';
import type { HttpServer } from '@meterline/runtime/http';
import { z } from 'zod';

/** Paths of `/docs` come from a plugin that states no scopes: hand this to `createHttpServer` as `publicPrefixes`. */
export const DOCS_PREFIX = '/docs';

const landingSchema = z.object({
  name: z.string(),
  docs: z.string(),
  openapi: z.string(),
  events: z.string(),
});

export async function docsRoutes(server: HttpServer): Promise<void> {
  await server.register(swaggerUi, {
    routePrefix: DOCS_PREFIX,
    uiConfig: { url: '/openapi.json', docExpansion: 'list' },
    theme: { title: 'Meterline API' },
    // Its images are data: URLs and it sets styles in place; everything else comes from here.
    staticCSP: {
      'default-src': "'self'",
      'img-src': "'self' data:",
      'style-src': "'self' 'unsafe-inline'",
      'object-src': "'none'",
      'base-uri': "'none'",
      'frame-ancestors': "'none'",
    },
  });

  server.get(
    '/',
    {
      config: { scope: 'public' },
      schema: { summary: 'Where to go from here', tags: ['Operations'], response: { 200: landingSchema } },
    },
    async () => ({ name: 'Meterline', docs: DOCS_PREFIX, openapi: '/openapi.json', events: '/v1/events' }),
  );
}
