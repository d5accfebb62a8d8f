import { randomUUID } from 'node:crypto';
import { migrate, openPostgres, type Postgres, type PostgresOptions } from '@meterline/backends/postgres';
import { migrationsFolder } from '../support/database.ts';
import type { Addresses } from './names.ts';

export interface FreshDatabase {
  readonly url: string;
  /** Another pool on it, as another process would have; closed by `drop` at the latest. */
  open(options?: Partial<PostgresOptions>): Promise<Postgres>;
  /** Cuts every connection and removes it. */
  drop(): Promise<void>;
}

/** An empty database of its own name on a server, with the whole schema unless `migrated` is false. */
export async function freshDatabase(server: Addresses['postgres'], { migrated = true } = {}): Promise<FreshDatabase> {
  const name = `meterline_test_${randomUUID().replaceAll('-', '').slice(0, 16)}`;
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  const admin = await openPostgres({ url: server.url, poolMax: 1, onError: () => undefined });
  await admin.query(`create database ${name}`);
  const opened: Postgres[] = [];
  const open = async (options: Partial<PostgresOptions> = {}): Promise<Postgres> => {
    const database = await openPostgres({ url: url.href, onError: () => undefined, ...options });
    const close = database.close.bind(database);
    let closing: Promise<void> | undefined;
    const once = { ...database, close: () => (closing ??= close()) };
    opened.push(once);
    return once;
  };
  if (migrated) {
    const database = await open();
    await migrate(database, migrationsFolder);
    await database.close();
  }
  return {
    url: url.href,
    open,
    async drop() {
      await Promise.all(opened.map((database) => database.close()));
      await admin.query(`drop database if exists ${name} with (force)`);
      await admin.close();
    },
  };
}
