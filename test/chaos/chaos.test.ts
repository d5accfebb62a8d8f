import { expect, it } from 'vitest';
import { report } from './report.ts';
import { runChaos } from './scenario.ts';

const SEED = 20_261_122;

it('counts, alerts and bills everything acknowledged exactly once, whatever step the process is killed at', async () => {
  const result = await runChaos({ kills: 30, seed: SEED });
  expect(result.differences, report(result, 0)).toEqual([]);
  expect([...result.kills.values()].reduce((sum, count) => sum + count, 0)).toBe(30);
}, 900_000);
