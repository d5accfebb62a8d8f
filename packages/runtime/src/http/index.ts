export type { Authenticate, KeyScope, Principal, RouteScope } from './authentication.ts';
export type { HttpRequest, HttpServer } from './fastify.ts';
export { addIdempotency } from './idempotency.ts';
export { decodeUtf8, JSON_DEPTH_MAX, jsonSyntaxReason, parseJsonBody } from './json-body.ts';
export { HttpFault, PROBLEM_MEDIA_TYPE, type Problem } from './problem.ts';
export { createHttpServer, type HttpServerOptions } from './server.ts';
export { dottedPath, zodDetails } from './validation.ts';
