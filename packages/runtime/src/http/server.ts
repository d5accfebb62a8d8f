import type { Socket } from 'node:net';
import swagger from '@fastify/swagger';
import Fastify, { LogController, type FastifyBaseLogger, type FastifyReply, type FastifyRequest } from 'fastify';
import { serializerCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { Fault } from '@meterline/domain/faults';
import { newId } from '@meterline/pipeline/ids';
import type { Metrics } from '../metrics/index.ts';
import { addAuthentication, type Authenticate } from './authentication.ts';
import type { HttpServer } from './fastify.ts';
import { parseJsonBody } from './json-body.ts';
import { openapiOptions } from './openapi.ts';
import { PROBLEM_MEDIA_TYPE, problemAnswer } from './problem.ts';
import { watchSilentConnections } from './silent-connections.ts';
import { validatorCompiler } from './validation.ts';

export interface HttpServerOptions {
  readonly logger: FastifyBaseLogger;
  readonly metrics: Metrics;
  readonly authenticate: Authenticate;
  readonly openapi: { readonly title: string; readonly version: string };
  /** Of every route that does not set its own `bodyLimit`. */
  readonly bodyBytesMax: number;
  /** Paths (and all below them) of third-party plugins that cannot state a scope, such as `/docs`. */
  readonly publicPrefixes?: readonly string[];
  /** How long a client may take to send a whole request. Default 30 s. */
  readonly requestTimeoutMs?: number;
  /** How long a client may take to send the headers. Default 10 s. */
  readonly headersTimeoutMs?: number;
  /** Open connections at a time; more are closed at once. Default 10,000. */
  readonly connectionsMax?: number;
}

const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy': "default-src 'self'; script-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
} as const;

/**
 * An HTTP server where every route states `config.scope`, every request is authenticated before its body is read, every input is
 * checked by the route's zod schema and every error is a problem document. `/openapi.json` describes it.
 */
export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const server: HttpServer = Fastify({
    loggerInstance: options.logger,
    logController: new LogController({ disableRequestLogging: true }),
    // Unique for good: the audit trail names requests.
    genReqId: () => newId('req', Date.now()),
    bodyLimit: options.bodyBytesMax,
    requestTimeout: options.requestTimeoutMs ?? 30_000,
    http: { headersTimeout: options.headersTimeoutMs ?? 10_000, connectionsCheckingInterval: 1_000 },
    keepAliveTimeout: 65_000,
    forceCloseConnections: 'idle',
    // Requests that arrive on an open connection while draining are still served; the answer closes the connection.
    return503OnClosing: false,
    // An event id of 256 characters, each percent-encoded.
    routerOptions: { maxParamLength: 4096 },
    frameworkErrors: (error, request, reply) => answerWithProblem(error, request, reply),
    clientErrorHandler: refuseBrokenRequest,
  }).withTypeProvider<ZodTypeProvider>();
  server.server.maxConnections = options.connectionsMax ?? 10_000;
  const silent = watchSilentConnections(server.server);
  server.addHook('preClose', async () => silent.closeSoon());

  server.setValidatorCompiler(validatorCompiler);
  server.setSerializerCompiler(serializerCompiler);
  server.setErrorHandler((error, request, reply) => answerWithProblem(error, request, reply));
  server.setNotFoundHandler((request) => {
    throw new Fault('not_found', 'route.unknown', `There is no ${request.method} ${request.url.split('?', 1)[0]}.`);
  });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (_request: FastifyRequest, body: Buffer) =>
    parseJsonBody(body),
  );
  server.addHook('onRequest', async (request, reply) => {
    reply.headers(SECURITY_HEADERS).header('x-request-id', request.id);
  });

  addAuthentication(server, options.authenticate, options.publicPrefixes ?? []);
  addRequestMetrics(server, options.metrics);
  await server.register(swagger, openapiOptions(options.openapi));
  server.get('/openapi.json', { config: { scope: 'public' }, schema: { hide: true } }, async () => server.swagger());
  return server;
}

function answerWithProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { problem, headers, unexpected } = problemAnswer(error);
  if (unexpected) request.log.error({ err: error, method: request.method, route: request.routeOptions.url }, 'request failed');
  // A string: the schema of the route's good answer must not judge it.
  void reply.code(problem.status).headers(headers).type(PROBLEM_MEDIA_TYPE).serializer(String).send(JSON.stringify(problem));
}

/** Answers what is not even HTTP, or came too slowly, then closes the connection. */
function refuseBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, code, detail] =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? ['408 Request Timeout', 'request.timeout', 'The request was not sent in time.']
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? ['431 Request Header Fields Too Large', 'request.headers_too_large', 'The headers are too large.']
        : ['400 Bad Request', 'request.malformed_http', 'This is not a valid HTTP request.'];
  const body = JSON.stringify({
    type: `urn:meterline:problem:${code}`,
    title: status.slice(4),
    status: Number(status.slice(0, 3)),
    code,
    detail,
    errors: [],
  });
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: ${PROBLEM_MEDIA_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

function addRequestMetrics(server: HttpServer, metrics: Metrics): void {
  const durations = metrics.histogram('http_request_duration_seconds', 'Time from request to response', {
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  });
  server.addHook('onResponse', async (request, reply) => {
    // The route's pattern, never the URL: labels must stay few.
    const route = request.is404 ? 'unknown' : (request.routeOptions.url ?? 'unknown');
    durations.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
  });
}
