import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Meterline } from './index.ts';
import type { SeenEvent } from './test-server.ts';

type Behaviour =
  | 'store'
  | 'reject'
  | 'overload'
  | 'fail'
  | 'tooLarge'
  | 'refuse'
  | 'unauthorized'
  | 'garbage'
  | 'network'
  | 'storeThenLost'
  | 'hang';

const behaviours = fc.constantFrom<Behaviour>(
  'store',
  'reject',
  'overload',
  'fail',
  'tooLarge',
  'refuse',
  'unauthorized',
  'garbage',
  'network',
  'storeThenLost',
  'hang',
);

/** A server that behaves at random, and knows what it stored and what it told the client about it. */
function randomServer(plan: readonly Behaviour[]) {
  const storedIds = new Set<string>();
  const acknowledgedIds: string[] = [];
  const rejectedIds: string[] = [];
  let requests = 0;
  const answer = (status: number, body: unknown): Response => new Response(JSON.stringify(body), { status });
  const handle: typeof fetch = async (_input, init) => {
    const ids = (JSON.parse(String(init?.body)) as SeenEvent[]).map(({ id }) => id);
    await Promise.resolve();
    const behaviour = plan[requests++ % plan.length] ?? 'store';
    switch (behaviour) {
      case 'reject': {
        const rejected = ids.flatMap((id, index) =>
          index % 3 === 0 ? [{ index, id, code: 'event.invalid', message: 'no' }] : [],
        );
        rejectedIds.push(...rejected.map(({ id }) => id));
        const good = ids.filter((_id, index) => index % 3 !== 0);
        for (const id of good) storedIds.add(id);
        acknowledgedIds.push(...good);
        return answer(202, { accepted: good.length, rejected });
      }
      case 'overload':
        return answer(429, {});
      case 'fail':
        return answer(500, {});
      case 'tooLarge':
        return answer(413, {});
      case 'refuse':
        return answer(400, {});
      case 'unauthorized':
        return answer(401, {});
      case 'garbage':
        return answer(200, 'hello');
      case 'network':
        throw new TypeError('fetch failed');
      case 'storeThenLost':
        for (const id of ids) storedIds.add(id);
        throw new TypeError('connection reset');
      case 'hang':
        return new Promise(() => undefined);
      case 'store':
        for (const id of ids) storedIds.add(id);
        acknowledgedIds.push(...ids);
        return answer(202, { accepted: ids.length, rejected: [] });
    }
  };
  return { handle, storedIds, acknowledgedIds, rejectedIds };
}

test('every event is exactly once in sent, rejected, dropped or queued, whatever the server does', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(behaviours, { minLength: 1, maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 7 }),
      fc.integer({ min: 5, max: 40 }),
      fc.integer({ min: 1, max: 3 }),
      async (plan, bursts, batchEventsMax, queueEventsMax, concurrency) => {
        const server = randomServer(plan);
        const lostIds: string[] = [];
        const rejectedIds: string[] = [];
        let dropsTold = 0;
        const client = new Meterline({
          url: 'http://meterline.test',
          apiKey: 'k',
          flushIntervalMs: 1,
          batchEventsMax,
          queueEventsMax,
          concurrency,
          backoffMinMs: 0,
          backoffMaxMs: 0,
          retryForMs: 20,
          requestTimeoutMs: 3,
          fetch: server.handle,
          onError: (error) => rejectedIds.push(...error.rejections.map(({ id }) => id)),
          onDrop: ({ reason, ids }) => {
            dropsTold++;
            if (reason !== 'queue_full') lostIds.push(...ids);
          },
        });
        const tracked: string[] = [];
        const balance = (): void => {
          const { enqueued, sent, rejected, dropped, queued } = client.counters;
          expect(enqueued).toBe(tracked.length);
          expect(sent + rejected + dropped + queued).toBe(enqueued);
          expect(queued).toBeLessThanOrEqual(queueEventsMax);
        };
        for (const burst of bursts) {
          for (let index = 0; index < burst; index++) tracked.push(client.track({ type: 'call', subject: 'acme' }));
          balance();
          if (burst % 2 === 0) await client.flush();
          balance();
        }
        await client.close({ timeoutMs: 10 });
        balance();
        const { sent, rejected, dropped, queued } = client.counters;
        expect(queued).toBe(0);
        expect(sent).toBe(server.acknowledgedIds.length);
        expect(new Set(server.acknowledgedIds).size).toBe(sent);
        expect([...rejectedIds].sort()).toEqual([...server.rejectedIds].sort());
        expect(rejected).toBe(rejectedIds.length);
        expect(new Set([...server.acknowledgedIds, ...rejectedIds, ...lostIds]).size).toBe(sent + rejected + lostIds.length);
        expect(dropped).toBeGreaterThanOrEqual(lostIds.length);
        expect(dropped === 0).toBe(dropsTold === 0);
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);
