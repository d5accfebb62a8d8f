import path from 'node:path';
import { openPglite } from '@meterline/backends/embedded';
import { migrate } from '@meterline/backends/postgres';
import type { Database } from '@meterline/pipeline/ports';

export const migrationsFolder = path.join(import.meta.dirname, '../../infra/postgres/migrations');

/** An empty billing store in memory with the whole schema; close it in `afterAll`. */
export async function openTestDatabase(): Promise<Database> {
  const database = await openPglite({ folder: null });
  await migrate(database, migrationsFolder);
  return database;
}
