import path from 'node:path';
import { openPglite } from '@meterline/backends/embedded';
import { migrate } from '@meterline/backends/postgres';
import type { Database } from '@meterline/pipeline/ports';
import { createLogger } from '@meterline/runtime/logging';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sharedClock } from './index.ts';

const MIGRATIONS = path.join(import.meta.dirname, '../../../../infra/postgres/migrations');
const START = '2026-01-31T23:00:00.000Z';
const logger = createLogger({ level: 'silent', service: 'test' });

let database: Database;
const stops: (() => Promise<void> | void)[] = [];
beforeAll(async () => {
  const opened = await openPglite({ folder: null });
  await migrate(opened, MIGRATIONS);
  database = opened;
});
afterAll(async () => {
  for (const stop of stops) await stop();
  await database.close();
});

const open = (startIso: string | null) =>
  sharedClock({ startIso, database, logger, onStop: (_part, stop) => void stops.push(stop) });

it('is the machine’s time unless a test clock is asked for', async () => {
  const { clock, testClock } = await open(null);
  expect(testClock).toBeUndefined();
  expect(Math.abs(clock.nowMs() - Date.now())).toBeLessThan(50);
});

it('runs from one start for all processes, and a move of one has reached all when it resolves', async () => {
  const first = await open(START);
  const second = await open('2020-01-01T00:00:00Z');
  expect(Math.abs(second.clock.nowMs() - first.clock.nowMs())).toBeLessThan(1_000);
  expect(first.clock.nowMs()).toBeGreaterThanOrEqual(Date.parse(START));
  const toMs = Date.parse('2026-03-01T00:00:00Z');
  let woke = false;
  const sleeping = second.clock.sleepUntil(toMs).then(() => (woke = true));
  await first.testClock?.moveTo(toMs);
  expect(woke).toBe(true);
  await sleeping;
  expect(second.clock.nowMs()).toBeGreaterThanOrEqual(toMs);
  await expect(second.testClock?.moveTo(toMs - 86_400_000)).rejects.toMatchObject({ code: 'clock.backwards' });
});
