import { expect, it } from 'vitest';
import { meterline, problem } from './fixture.ts';

it('queue rebuild asks the server to enqueue what is pending, and says how much that is', async () => {
  const { code, out, asked } = await meterline(['queue', 'rebuild'], () => ({ body: { invoiceRuns: 2, planMoves: 1 } }));
  expect(code).toBe(0);
  expect(asked[0]).toMatchObject({ method: 'POST', url: '/v1/queues/rebuild' });
  expect(out).toBe('Pending and enqueued: 2 invoice runs, 1 plan move.');
  expect((await meterline(['queue', 'rebuild'], () => ({ body: { invoiceRuns: 0, planMoves: 0 } }))).out).toBe(
    'Nothing is pending.',
  );
});

it('queue rebuild ends with 1 and the reason when Redis is still away', async () => {
  const away = () => problem(503, 'redis.unreachable', 'Redis cannot be reached.');
  const { code, err } = await meterline(['queue', 'rebuild'], away);
  expect(code).not.toBe(0);
  expect(err).toContain('redis.unreachable');
});
