import { openRedisQueue } from '@meterline/backends/redis';
import { Fault } from '@meterline/domain/faults';
import type { JobQueue } from '@meterline/pipeline/ports';
import type { BillingStore } from './billing-store.ts';
import { embeddedEngines, type Opening } from './opening.ts';

/** Opens the job queue. Close it before the billing store. */
export async function openJobs(opening: Opening, billing: BillingStore): Promise<JobQueue> {
  const { settings, logger, health, onStop } = opening;
  const onError = (error: Error, job?: object): void => logger.error({ err: error, job }, 'a job failed');
  if (settings.engines.jobs === 'redis') {
    const jobs = await openRedisQueue({ ...settings.redis, onError });
    onStop('job queue', () => jobs.close());
    health.add('job queue', jobs.trouble);
    return jobs;
  }
  if (billing.kind !== 'pglite') {
    throw new Fault(
      'invalid',
      'settings.jobs_unavailable',
      'METERLINE_JOBS=pglite keeps jobs in the embedded billing store: with METERLINE_BILLING_STORE=postgres set METERLINE_JOBS=redis.',
    );
  }
  const { openBullmqQueue } = await embeddedEngines();
  const jobs = await openBullmqQueue({ database: billing.database, onError });
  onStop('job queue', () => jobs.close());
  return jobs;
}
