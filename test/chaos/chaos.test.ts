import { expect, it } from 'vitest';
import { LIFE_STEPS } from './life/steps.ts';
import { report } from './report.ts';
import { runChaos } from './scenario.ts';
import { INVOICE_STEPS, TRAFFIC_STEPS } from './steps.ts';

/** One at each step. */
const KILLS = TRAFFIC_STEPS.length + LIFE_STEPS.length + INVOICE_STEPS.length;
const SEED = 20_261_122;

it('counts, alerts and bills everything acknowledged exactly once, and takes subscriptions through their lives, whatever step the process is killed at', async () => {
  const result = await runChaos({ kills: KILLS, seed: SEED, eventsPerSecond: 40 });
  expect(result.differences, report(result, 0)).toEqual([]);
  expect([...result.kills.values()].reduce((sum, count) => sum + count, 0)).toBe(KILLS);
  const steps = [...TRAFFIC_STEPS, ...LIFE_STEPS, ...INVOICE_STEPS];
  const reached = steps.filter((step) => result.kills.has(step));
  // a slow machine may not get to one of them in its time: then it is killed all the same
  expect(reached.length, report(result, 0)).toBeGreaterThanOrEqual(steps.length - 4);
}, 900_000);
