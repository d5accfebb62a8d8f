import { existsSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { migrateClickhouse } from '@meterline/backends/clickhouse';
import { openChdb } from '@meterline/backends/embedded';

const migrationFolder = path.join(import.meta.dirname, '../../infra/clickhouse/migrations');

/** A real engine on a folder of its own, with every migration applied. One at a time per process; `close` removes the folder. */
export async function openTestClickhouse(): Promise<{ client: ClickHouseClient; close(): Promise<void> }> {
  const folder = mkdtempSync(path.join(tmpdir(), 'meterline-clickhouse-'));
  const { client, close } = await openChdb({ folder });
  if (existsSync(migrationFolder)) await migrateClickhouse(client, migrationFolder);
  return {
    client,
    async close() {
      await close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
