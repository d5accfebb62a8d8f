import { expect, it } from 'vitest';
import { type Asked, meterline } from './fixture.ts';

const MOVES = '/v1/plans/pro/moves';
const counted = { total: 2, pending: 0, moved: 1, skipped: 1, failed: 0 };
const move = { id: 'pmv_1', plan: 'pro', toVersion: 3, dryRun: true, state: 'complete', ...counted };
const steps = [
  {
    ...{
      subscription: 'sub_1',
      customer: 'acme',
      fromVersion: 1,
      state: 'moved',
      reason: null,
      effectiveAt: '2026-04-01T00:00:00Z',
    },
    estimate: { before: '62.00', after: '93.00', difference: '31.00' },
  },
  {
    ...{ subscription: 'sub_2', customer: 'beta', fromVersion: 2, state: 'skipped', effectiveAt: null, estimate: null },
    reason: { code: 'plan_move.temporary', message: 'It is under this version until May only.' },
  },
];

/** A move that is half done when it is first looked at. */
const server = (dryRun: boolean) => {
  let looks = 0;
  return ({ method, url }: Asked) => {
    if (method === 'POST')
      return { status: 201, body: { ...move, dryRun, state: 'running', ...counted, pending: 2, moved: 0, skipped: 0 } };
    if (url.includes('/subscriptions')) return { body: { items: steps, nextCursor: null } };
    looks += 1;
    return { body: looks === 1 ? { ...move, dryRun, state: 'running', pending: 1 } : { ...move, dryRun } };
  };
};

it('plan move --dry-run waits for the whole answer, with its progress, and tells it subscription by subscription', async () => {
  const args = [
    'plan',
    'move',
    'pro',
    '--to',
    '3',
    '--when',
    'renewal',
    '--from',
    '1',
    '--from',
    '2',
    '--except',
    'gamma',
    '--dry-run',
  ];
  const { code, out, err, asked } = await meterline(args, server(true));
  expect(code).toBe(0);
  expect(asked[0]).toMatchObject({ method: 'POST', url: MOVES });
  expect(JSON.parse(asked[0]?.body ?? '')).toEqual({
    ...{ toVersion: 3, when: 'renewal', fromVersions: [1, 2], exceptCustomers: ['gamma'], dryRun: true },
  });
  expect(err.split('\n').filter((line) => line !== '')).toEqual(['subscriptions looked at 50%', 'subscriptions looked at 100%']);
  const rows = out.split('\n').map((line) => line.trim().split(/ {2,}/));
  expect(rows[2]).toEqual(['sub_1', 'acme', '1', 'moved', '2026-04-01T00:00:00Z', '62.00', '93.00', '31.00']);
  expect(rows.at(-1)).toEqual(['1 would be moved to version 3 of pro, 1 skipped, 0 failed.']);
});

it('plan move tells of those that it did not move, and why', async () => {
  const { out } = await meterline(['plan', 'move', 'pro', '--to', '3', '--when', 'now', '--customer', 'acme'], server(false));
  expect(out).toContain('It is under this version until May only.');
  expect(out).not.toContain('sub_1');
  expect(out.split('\n').at(-1)).toBe('1 moved to version 3 of pro, 1 skipped, 0 failed.');
});
