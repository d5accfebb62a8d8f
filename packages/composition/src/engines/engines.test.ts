import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openPglite } from '@meterline/backends/embedded';
import { readSettings } from '@meterline/runtime/config';
import { createHealth } from '@meterline/runtime/health';
import { createLogger } from '@meterline/runtime/logging';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openBillingStore, openEventLog, openJobs, requireSharedEngines, type Opening } from './index.ts';

let folder: string;
let stops: (() => Promise<void> | void)[];
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'meterline-engines-'));
  stops = [];
});
afterEach(async () => {
  for (const stop of stops.toReversed()) await stop();
  await rm(folder, { recursive: true, force: true });
});

const opening = (env: Record<string, string> = {}): Opening => ({
  settings: readSettings({ METERLINE_DATA: folder, ...env }),
  logger: createLogger({ level: 'silent', service: 'test' }),
  health: createHealth(),
  onStop: (_part, stop) => void stops.push(stop),
});

it('refuses embedded engines to a service beside others, naming each', () => {
  expect(() => requireSharedEngines(readSettings({ METERLINE_BACKEND: 'distributed' }))).not.toThrow();
  const mixed = readSettings({ METERLINE_BACKEND: 'distributed', METERLINE_EVENT_LOG: 'lmdb', METERLINE_JOBS: 'pglite' });
  expect(() => requireSharedEngines(mixed)).toThrow(/^METERLINE_EVENT_LOG=lmdb, METERLINE_JOBS=pglite: an embedded engine/);
});

it('says what to run when the schema is missing or the topic is not known, and goes on once it is there', async () => {
  await expect(openBillingStore(opening(), { migrating: false })).rejects.toMatchObject({ code: 'billing_store.not_migrated' });
  for (const stop of stops.splice(0)) await stop();
  const { database } = await openBillingStore(opening(), { migrating: true });
  const onKafka = opening({ METERLINE_EVENT_LOG: 'kafka' });
  await expect(openEventLog(onKafka, database, { registering: false })).rejects.toMatchObject({
    code: 'event_log.not_registered',
  });
  for (const stop of stops.splice(0)) await stop();
  await openBillingStore(opening(), { migrating: false });
});

it('refuses jobs in a billing store that is not embedded', async () => {
  const database = await openPglite({ folder: null });
  stops.push(() => database.close());
  await expect(openJobs(opening(), { kind: 'postgres', database })).rejects.toMatchObject({ code: 'settings.jobs_unavailable' });
});
