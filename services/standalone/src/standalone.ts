import { recordingAt } from '@meterline/backends/postgres';
import { billingPorts, portsOver } from '@meterline/composition/installation';
import { Fault } from '@meterline/domain/faults';
import { systemClock, testClock } from '@meterline/runtime/clock';
import type { Settings } from '@meterline/runtime/config';
import { createHealth } from '@meterline/runtime/health';
import { createMetrics } from '@meterline/runtime/metrics';
import { ensureAdminKey, type AdminKey } from './admin-key.ts';
import { openEngines } from './engines.ts';
import { serve } from './http.ts';
import type { StandaloneOptions } from './installation.ts';
import { refuseMoved } from './moving/marker.ts';
import { startWorkers } from './workers.ts';

export interface Standalone {
  readonly url: string;
  readonly adminKey: AdminKey;
}

/** Ingest, aggregator, rating worker and API in one process on the embedded engines. Resolves once it serves. */
export async function startStandalone(options: StandaloneOptions): Promise<Standalone> {
  const { settings, decorate } = options;
  requireLock(settings);
  refuseMoved(settings.dataFolder);
  const moveable = settings.testClockStart === null ? undefined : testClock(settings.testClockStart);
  const clock = moveable ?? systemClock();
  const health = createHealth();
  const engines = await openEngines({ ...options, health });
  const database = moveable === undefined ? engines.database : recordingAt(engines.database, moveable);
  const ports = portsOver({ ...engines, database }, { decorate });
  const { ledger } = ports;
  await ledger.setAcceptance({ pastMs: settings.ingest.acceptPastMs, futureMs: settings.ingest.acceptFutureMs });
  const adminKey = await ensureAdminKey({ database, clock }, settings.dataFolder, settings.adminKey);
  const billing = billingPorts(ports, clock, engines);
  const installation = { ...options, engines, ports, billing, health, metrics: createMetrics() };
  const workers = await startWorkers(installation);
  const url = await serve(installation, workers, moveable);
  return { url, adminKey };
}

/** This process takes all partitions without asking: only the lock on the data folder says that there is no other one. */
function requireLock({ backend, engines }: Settings): void {
  if (backend === 'distributed') {
    throw new Fault(
      'invalid',
      'settings.backend_apart',
      'METERLINE_BACKEND=distributed runs as services: "docker compose up", or "npm run migrate" and then start:ingest, start:aggregator, ' +
        'start:rating-worker and start:api.',
    );
  }
  if (engines.billingStore !== 'pglite') {
    throw new Fault(
      'invalid',
      'settings.billing_store_shared',
      'METERLINE_BILLING_STORE=postgres may be shared by processes that do not know of each other: start the services apart instead.',
    );
  }
}
