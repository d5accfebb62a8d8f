import { expect, it } from 'vitest';
import { meterline } from './fixture.ts';

it('creates a sandbox and prints its key alone, for a script to keep', async () => {
  const body = { key: 'year', name: 'year', now: '2026-01-01T00:00:00Z', movingTo: null, apiKey: 'mk_test_a_b' };
  const { out, err, asked } = await meterline(['sandbox', 'create', 'year', '--clock', '2026-01-01'], () => ({
    status: 201,
    body,
  }));
  expect(out).toBe('mk_test_a_b');
  expect(err).toContain('whose clock is at 2026-01-01T00:00:00Z');
  expect(asked[0]).toMatchObject({ method: 'POST', url: '/v1/sandboxes' });
  expect(JSON.parse(asked[0]?.body ?? '')).toEqual({ key: 'year', name: 'year', clock: '2026-01-01T00:00:00Z' });
});

it('deletes a sandbox', async () => {
  const { code, err, asked } = await meterline(['sandbox', 'delete', 'year'], () => ({ status: 204, body: '' }));
  expect([code, asked[0]?.method, asked[0]?.url]).toEqual([0, 'DELETE', '/v1/sandboxes/year']);
  expect(err).toContain('Sandbox "year" is deleted.');
});

it('waits until the clock of a sandbox has arrived', async () => {
  const way = ['2026-02-01T00:05:00Z', '2026-03-01T00:05:00Z', '2026-04-01T00:00:00Z'];
  const { code, out, err, asked } = await meterline(['clock', 'set', '2026-04-01'], () => {
    const now = way.shift() ?? '';
    return { body: { now, test: true, movingTo: way.length > 0 ? '2026-04-01T00:00:00Z' : null } };
  });
  expect([code, out]).toEqual([0, '2026-04-01T00:00:00Z  (can be moved)']);
  expect(err).toContain('at 2026-02-01T00:05:00Z');
  expect(asked.map(({ method }) => method)).toEqual(['POST', 'GET', 'GET']);
});

it('advances the clock of a sandbox by a duration, and waits as well', async () => {
  const way = ['2026-02-01T00:05:00Z', '2026-03-01T00:00:00Z'];
  const { code, out, asked } = await meterline(['clock', 'advance', 'P2M'], () => {
    const now = way.shift() ?? '';
    return { body: { now, test: true, movingTo: way.length > 0 ? '2026-03-01T00:00:00Z' : null } };
  });
  expect([code, out]).toEqual([0, '2026-03-01T00:00:00Z  (can be moved)']);
  expect(asked.map(({ method }) => method)).toEqual(['POST', 'GET']);
  expect(JSON.parse(asked[0]?.body ?? '')).toEqual({ advance: 'P2M' });
});
