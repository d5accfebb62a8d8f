export type { Rejection } from './accept.ts';
export type { CheckedEvent } from './event-check.ts';
export { ingestRoutes, type IngestOptions } from './ingest-routes.ts';
