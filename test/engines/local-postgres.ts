import { userInfo } from 'node:os';
import { openPostgres } from '@meterline/backends/postgres';
import type { Addresses, Started } from './names.ts';

type StartedPostgres = Started<Addresses['postgres']>;

/** One that runs already, on the standard port, with a role that may create databases. */
export async function runningPostgres(): Promise<StartedPostgres> {
  let failure: unknown;
  for (const user of new Set(['postgres', userInfo().username])) {
    const url = `postgres://${user}@127.0.0.1:5432/postgres`;
    try {
      await mayCreateDatabases(url);
      return { address: { url }, used: `the one running at ${url}`, stop: async () => {} };
    } catch (error) {
      failure = error;
    }
  }
  throw new Error('none runs on port 5432 that lets us in', { cause: failure });
}

export async function mayCreateDatabases(url: string): Promise<void> {
  const database = await openPostgres({ url, poolMax: 1, connectTimeoutMs: 1000, onError: () => undefined });
  try {
    const [role] = await database.query<{ may: boolean }>(
      'select rolcreatedb or rolsuper as may from pg_roles where rolname = current_user',
    );
    if (role?.may !== true) throw new Error('its role may not create databases');
  } finally {
    await database.close();
  }
}
