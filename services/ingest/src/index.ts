export type { Rejection } from './accept.ts';
export type { CheckedEvent } from './event-check.ts';
export { ingestRoutes, type IngestOptions } from './ingest-routes.ts';
export { localRateLimiter } from './rate-limits.ts';
export { startMeterScreen, type MeterScreen } from './meter-screen.ts';
export { startIngestService } from './service.ts';
