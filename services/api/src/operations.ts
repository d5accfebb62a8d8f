import { Fault } from '@meterline/domain/faults';
import { formatInstant } from '@meterline/domain/time';
import { instantMs, instantSchema } from '@meterline/pipeline/catalog';
import type { Clock } from '@meterline/pipeline/ports';
import type { HttpServer } from '@meterline/runtime/http';
import { z } from 'zod';
import { instantAnswer } from './fields.ts';

export interface OperationsDeps {
  readonly clock: Clock;
  /** Present only where a test clock runs; fails with `clock.backwards`. */
  readonly testClock?: { moveTo(toMs: number): void } | undefined;
  /** Checks every invariant of the whole installation. */
  readonly reconcile: () => Promise<object>;
}

const clockSchema = z.object({ now: instantAnswer, test: z.boolean().describe('Whether this clock can be moved') });

export function operationsRoutes(server: HttpServer, { clock, testClock, reconcile }: OperationsDeps): void {
  const tags = ['Operations'];
  const showClock = () => ({ now: formatInstant(clock.nowMs()), test: testClock !== undefined });

  server.get(
    '/v1/reconciliation',
    {
      config: { scope: 'admin' },
      schema: { summary: 'Check every invariant, with its counts', tags, response: { 200: z.looseObject({}) } },
    },
    async () => ({ ...(await reconcile()) }),
  );

  server.get(
    '/v1/clock',
    {
      config: { scope: 'read' },
      schema: { summary: 'The time by which everything is billed', tags, response: { 200: clockSchema } },
    },
    async () => showClock(),
  );

  server.post(
    '/v1/clock',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Move a test clock forward',
        tags,
        body: z.strictObject({ now: instantSchema }),
        response: { 200: clockSchema },
      },
    },
    async (request) => {
      const toMs = instantMs(request.body.now);
      if (testClock === undefined || toMs === undefined) {
        throw new Fault('not_found', 'clock.not_movable', 'This server runs on the real time, which cannot be moved.');
      }
      testClock.moveTo(toMs);
      return showClock();
    },
  );
}
