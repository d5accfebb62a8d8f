import { Fault } from '@meterline/domain/faults';
import { systemClock, testClock } from '@meterline/runtime/clock';
import { createHealth } from '@meterline/runtime/health';
import { createMetrics } from '@meterline/runtime/metrics';
import { ensureAdminKey, type AdminKey } from './admin-key.ts';
import { openEngines } from './engines.ts';
import { serve } from './http.ts';
import { storesOf, type StandaloneOptions } from './installation.ts';
import { startWorkers } from './workers.ts';

export interface Standalone {
  readonly url: string;
  readonly adminKey: AdminKey;
}

/** Ingest, aggregator, rating worker and API in one process on the embedded engines. Resolves once it serves. */
export async function startStandalone(options: StandaloneOptions): Promise<Standalone> {
  const { settings, decorate } = options;
  if (settings.backend !== 'standalone') {
    throw new Fault(
      'invalid',
      'settings.backend_unavailable',
      'METERLINE_BACKEND=distributed is not available: this version has only the standalone profile, the distributed one is not built yet.',
    );
  }
  const moveable = settings.testClockStart === null ? undefined : testClock(settings.testClockStart);
  const clock = moveable ?? systemClock();
  const engines = await openEngines({ ...options, dataFolder: settings.dataFolder, partitions: settings.partitions });
  const { database, ledger } = engines;
  await ledger.setAcceptance({ pastMs: settings.ingest.acceptPastMs, futureMs: settings.ingest.acceptFutureMs });
  const adminKey = await ensureAdminKey({ database, clock }, settings.dataFolder, settings.adminKey);

  const health = createHealth();
  health.add('billing store', async () => {
    await database.query('select 1');
    return undefined;
  });
  const installation = {
    ...options,
    engines,
    clock,
    metrics: createMetrics(),
    health,
    stores: storesOf(engines, clock, decorate),
  };
  const workers = await startWorkers(installation);
  const url = await serve(installation, workers, moveable);
  return { url, adminKey };
}
