import path from 'node:path';
import { migrateClickhouse, migrateClickhouseServer, openClickhouse, type Clickhouse } from '@meterline/backends/clickhouse';
import type { Settings } from '@meterline/runtime/config';
import { embeddedEngines, MIGRATIONS, type Opening } from './opening.ts';

/** Statements of the embedded engine that run at once: three inserts, and queries beside them. Each holds a thread of Node's pool. */
const SESSIONS = 8;

/** Opens ClickHouse. With `migrating` it is brought to the newest schema first; otherwise it must have it. */
export async function openUsageStore(
  opening: Opening,
  { migrating }: { readonly migrating: boolean },
): Promise<Clickhouse['client']> {
  const { settings, health, onStop } = opening;
  if (settings.engines.usageStore === 'chdb') {
    const { openChdb } = await embeddedEngines();
    const { client, close } = await openChdb({ folder: path.join(settings.dataFolder, 'usage'), poolSize: SESSIONS });
    onStop('usage store', close);
    await migrateClickhouse(client, MIGRATIONS.clickhouse);
    return client;
  }
  const server = serverOf(settings);
  if (migrating) await migrateClickhouseServer(server, MIGRATIONS.clickhouse);
  const clickhouse = await openClickhouse(server);
  onStop('usage store', clickhouse.close);
  health.add('usage store', clickhouse.trouble);
  return clickhouse.client;
}

function serverOf({ clickhouse: { cluster, ...server } }: Settings): Parameters<typeof openClickhouse>[0] {
  return { ...server, layout: cluster === null ? { kind: 'single' } : { kind: 'cluster', cluster } };
}
