import { healthRoutes } from '@meterline/runtime/health';
import { createHttpServer, type Authenticate, type HttpServer } from '@meterline/runtime/http';
import { metricsRoutes } from '@meterline/runtime/metrics';
import type { ServiceContext } from './main.ts';

const VERSION = '0.1.0';

/** The HTTP server of a service, with health and metrics, and the routes that `add` gives it. Resolves with its URL once it listens. */
export async function serviceServer(
  { settings, logger, metrics, health, onStop }: Omit<ServiceContext, 'service' | 'processId'>,
  options: {
    /** Without it there are no routes that ask for a key. */
    readonly authenticate?: Authenticate;
    readonly publicPrefixes?: readonly string[];
    readonly add?: (server: HttpServer) => Promise<void> | void;
  } = {},
): Promise<string> {
  const { authenticate = async () => undefined, publicPrefixes = [], add } = options;
  const server = await createHttpServer({
    logger,
    metrics,
    authenticate,
    openapi: { title: 'Meterline', version: VERSION },
    bodyBytesMax: settings.http.bodyBytesMax,
    connectionsMax: settings.http.connectionsMax,
    publicPrefixes,
  });
  healthRoutes(server, health);
  metricsRoutes(server, metrics);
  await add?.(server);
  const url = await server.listen({ host: settings.http.host, port: settings.http.port });
  onStop('HTTP server', () => server.close());
  return url;
}
