import type { EmbeddedPostgres } from '@meterline/backends/embedded';
import type { Logger } from '@meterline/runtime/logging';

const EVERY_MS = 10 * 60_000;

/** The embedded PostgreSQL has no autovacuum, and queues and leases are rewritten all the time. Returns how to stop it. */
export function startVacuum(database: EmbeddedPostgres, logger: Logger): () => void {
  const timer = setInterval(() => {
    database.exec('vacuum (analyze)').catch((error: unknown) => logger.warn({ err: error }, 'vacuum failed'));
  }, EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}
