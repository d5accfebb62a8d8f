import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import {
  type ClickhouseServer,
  migrateClickhouse,
  migrateClickhouseServer,
  openClickhouse,
} from '@meterline/backends/clickhouse';
import { openChdb } from '@meterline/backends/embedded';

export const clickhouseMigrations = path.join(import.meta.dirname, '../../infra/clickhouse/migrations');

export interface TestClickhouse {
  readonly client: ClickHouseClient;
  close(): Promise<void>;
}

/** A real engine on a folder of its own, with every migration applied. One at a time per process; `close` removes the folder. */
export async function openTestClickhouse(): Promise<TestClickhouse> {
  const folder = mkdtempSync(path.join(tmpdir(), 'meterline-clickhouse-'));
  const { client, close } = await openChdb({ folder });
  await migrateClickhouse(client, clickhouseMigrations);
  return {
    client,
    async close() {
      await close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** How to reach the server behind `url` (`http://user:password@host:port`), with a database of its own name that is not made yet. */
function testServer(url: string): ClickhouseServer & { readonly database: string } {
  const { username, password, origin } = new URL(url);
  return {
    urls: [origin],
    username: decodeURIComponent(username) || 'default',
    password: decodeURIComponent(password),
    database: `test_${randomBytes(6).toString('hex')}`,
  };
}

/** A database of its own on the server, with every migration applied. */
export async function migrateTestServer(
  url: string,
): Promise<{ readonly server: ClickhouseServer; readonly drop: () => Promise<void> }> {
  const server = testServer(url);
  await migrateClickhouseServer(server, clickhouseMigrations);
  return {
    server,
    async drop() {
      const { client, close } = await openClickhouse({ ...server, database: 'default' });
      await client.command({ query: `drop database ${server.database} sync` }).finally(close);
    },
  };
}

/** The same, opened; `close` drops it. */
export async function openTestClickhouseServer(url: string): Promise<TestClickhouse> {
  const { server, drop } = await migrateTestServer(url);
  const { client, close } = await openClickhouse(server);
  return {
    client,
    async close() {
      await close();
      await drop();
    },
  };
}
