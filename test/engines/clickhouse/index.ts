import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Addresses, Started } from '../names.ts';
import { startClickhouseFront } from './start.ts';

export { startClickhouseFront, type ClickhouseFront } from './start.ts';

/** The development front on a folder of its own, which goes when it is stopped. */
export async function localClickhouse(): Promise<Started<Addresses['clickhouse']>> {
  const dataFolder = mkdtempSync(path.join(tmpdir(), 'meterline-clickhouse-front-'));
  const password = randomBytes(12).toString('hex');
  const front = await startClickhouseFront({ dataFolder, username: 'tests', password });
  const url = new URL(front.url);
  url.username = 'tests';
  url.password = password;
  return {
    address: { url: url.href },
    used: 'chDB behind an HTTP front (development and tests only)',
    async stop() {
      await front.stop();
      await rm(dataFolder, { recursive: true, force: true });
    },
  };
}
