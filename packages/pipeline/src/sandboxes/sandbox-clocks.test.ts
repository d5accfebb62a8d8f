import { afterEach, expect, test } from 'vitest';
import { manualTimer } from '../../../../test/support/manual-timer.ts';
import type { Scheduler } from '../invoices/index.ts';
import type { ClockOnItsWay } from '../ports/index.ts';
import { startSandboxClocks } from './sandbox-clocks.ts';

const DAY_MS = 86_400_000;
const POLL_MS = 1_000;
const way = (tenant: string, clockShiftMs: number, leftMs: number): ClockOnItsWay => ({ tenant, clockShiftMs, leftMs });

let clocks: Scheduler | undefined;
afterEach(() => clocks?.stop());

function setUp() {
  const manual = manualTimer();
  let answer: () => readonly ClockOnItsWay[] = () => [];
  const errors: unknown[] = [];
  const started = startSandboxClocks({
    step: async () => answer(),
    startDue: async () => undefined,
    onError: (error) => errors.push(error),
    timer: manual.timer,
    pollIntervalMs: POLL_MS,
  });
  clocks = started;
  return { ...manual, started, errors, answers: (next: typeof answer) => (answer = next) };
}

test('the loop tells how many clocks are on their way, how far the last has to go, and how long the slowest has stood still', async () => {
  const { started, sleeping, moveTo, answers } = setUp();
  const firstMs = await sleeping();
  expect(started.onTheirWay()).toEqual({ count: 0, lagMs: 0, standingMs: 0 });
  answers(() => [way('a', 5, DAY_MS), way('b', 7, 3 * DAY_MS)]);
  moveTo(firstMs);
  const nextMs = await sleeping();
  expect(started.onTheirWay()).toEqual({ count: 2, lagMs: 3 * DAY_MS, standingMs: 0 });
  // `a` was taken on, `b` was not.
  answers(() => [way('a', 5 + DAY_MS, 0), way('b', 7, 3 * DAY_MS)]);
  moveTo(nextMs);
  const laterMs = await sleeping();
  expect(started.onTheirWay().standingMs).toBe(20);
  answers(() => [way('a', 5 + DAY_MS, 0)]);
  moveTo(laterMs);
  await sleeping();
  expect(started.onTheirWay()).toEqual({ count: 1, lagMs: 0, standingMs: 20 });
});

test('a step that fails is tried again after 1, 2, 4 and at most 30 seconds, and the loop says since when', async () => {
  const { started, sleeping, moveTo, answers, errors } = setUp();
  const firstMs = await sleeping();
  answers(() => {
    throw new Error('no database');
  });
  moveTo(firstMs);
  const waits: number[] = [];
  for (let nowMs = firstMs; waits.length < 7;) {
    const untilMs = await sleeping();
    waits.push(untilMs - nowMs);
    nowMs = untilMs;
    moveTo(nowMs);
  }
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  expect(started.stuckSinceMs()).toBe(firstMs);
  await sleeping();
  expect(errors).toHaveLength(8);
  answers(() => []);
  started.notify();
  await sleeping();
  expect(started.stuckSinceMs()).toBeNull();
});
