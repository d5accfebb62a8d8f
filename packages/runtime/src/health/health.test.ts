import { expect, it } from 'vitest';
import { createHealth } from './index.ts';

it('is ready when every check passes', async () => {
  const health = createHealth();
  health.add('log', () => undefined);
  expect(await health.failing()).toEqual([]);
});

it('names every failing check and why: a reason, an error, no answer in time', async () => {
  const health = createHealth({ probeTimeoutMs: 20 });
  health.add('fine', async () => undefined);
  health.add('lag', () => '90 s behind');
  health.add('database', async () => {
    throw new Error('connection refused');
  });
  health.add('stuck', () => new Promise(() => {}));
  const forget = health.add('gone', () => 'x');
  forget();
  expect(await health.failing()).toEqual([
    { check: 'lag', reason: '90 s behind' },
    { check: 'database', reason: 'connection refused' },
    { check: 'stuck', reason: 'no answer within 20 ms' },
  ]);
});
