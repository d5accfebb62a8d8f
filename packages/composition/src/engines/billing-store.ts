import { readdir } from 'node:fs/promises';
import type { EmbeddedPostgres } from '@meterline/backends/embedded';
import { migrate, openPostgres, type ScriptDatabase } from '@meterline/backends/postgres';
import { Fault } from '@meterline/domain/faults';
import type { Database } from '@meterline/pipeline/ports';
import { embeddedEngines, MIGRATIONS, type Opening } from './opening.ts';

export type BillingStore =
  | { readonly kind: 'pglite'; readonly database: EmbeddedPostgres }
  | { readonly kind: 'postgres'; readonly database: ScriptDatabase };

/**
 * Opens the billing store. With `migrating` it is brought to the newest schema; otherwise it must have it, or `billing_store.not_migrated` says so.
 * PGlite locks the data folder: a second process fails here, before it touches another engine.
 */
export async function openBillingStore(opening: Opening, { migrating }: { readonly migrating: boolean }): Promise<BillingStore> {
  const store = opening.settings.engines.billingStore === 'pglite' ? await embedded(opening) : await server(opening);
  if (migrating) await migrate(store.database, MIGRATIONS.postgres);
  else await requireMigrated(store.database);
  return store;
}

async function embedded({ settings, logger, health, onStop }: Opening): Promise<BillingStore> {
  const { openPglite } = await embeddedEngines();
  const database = await openPglite({
    folder: settings.dataFolder,
    // It cannot be used again in this process; a restart recovers everything acknowledged.
    onFailure(error) {
      logger.fatal({ err: error }, 'the billing store stopped');
      process.exit(1);
    },
  });
  onStop('billing store', () => database.close());
  health.add('billing store', async () => {
    await database.query('select 1');
    return undefined;
  });
  return { kind: 'pglite', database };
}

async function server({ service, settings, logger, health, onStop }: Opening): Promise<BillingStore> {
  const database = await openPostgres({
    ...settings.postgres,
    ...(service !== undefined && { applicationName: `meterline ${service}` }),
    onError: (error) => logger.warn({ err: error }, 'a connection to PostgreSQL broke'),
  });
  onStop('billing store', () => database.close());
  health.add('billing store', database.trouble);
  return { kind: 'postgres', database };
}

/** A newer schema than ours is no fault: while versions change over, both run. */
async function requireMigrated(database: Database): Promise<void> {
  const [found] = await database.query<{ found: boolean }>(`select to_regclass('schema_migration') is not null as found`);
  const rows = found?.found === true ? await database.query<{ name: string }>('select name from schema_migration') : [];
  const applied = new Set(rows.map(({ name }) => name));
  const missing = (await readdir(MIGRATIONS.postgres)).filter((file) => file.endsWith('.sql') && !applied.has(file));
  if (missing.length === 0) return;
  throw new Fault(
    'conflict',
    'billing_store.not_migrated',
    `the billing store lacks ${missing.length} migrations: run "npm run migrate" first`,
  );
}
