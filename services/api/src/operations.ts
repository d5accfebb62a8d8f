import { Fault } from '@meterline/domain/faults';
import { formatInstant } from '@meterline/domain/time';
import { instantMs, instantSchema } from '@meterline/pipeline/catalog';
import type { Clock, TenantClock } from '@meterline/pipeline/ports';
import type { Reconciliation } from '@meterline/pipeline/reconcile';
import type { HttpServer } from '@meterline/runtime/http';
import { z } from 'zod';
import { instantAnswer } from './fields.ts';

export interface OperationsDeps {
  readonly clock: TenantClock;
  readonly serverClock: Clock;
  /** Present only where a test clock runs; fails with `clock.backwards`. */
  readonly testClock?: { moveTo(toMs: number): void | Promise<void> } | undefined;
  /** Checks every invariant of the whole installation. */
  readonly reconcile: () => Promise<Reconciliation>;
}

const clockSchema = z.object({ now: instantAnswer, test: z.boolean().describe('Whether this clock can be moved') });

const reconciliationSchema = z.object({
  holds: z.boolean(),
  cut: z.array(z.int()).describe('Everything was compared at this cut'),
  invariants: z.array(
    z.object({
      name: z.string(),
      holds: z.boolean(),
      counts: z.record(z.string(), z.union([z.number(), z.string()])),
      differences: z.array(z.string()).describe('What differs, in words'),
    }),
  ),
});

const showReconciliation = ({ holds, cut, invariants }: Reconciliation): z.input<typeof reconciliationSchema> => ({
  holds,
  cut: [...cut],
  invariants: invariants.map((invariant) => ({ ...invariant, differences: [...invariant.differences] })),
});

export function operationsRoutes(server: HttpServer, { serverClock, testClock, reconcile }: OperationsDeps): void {
  const tags = ['Operations'];
  const showClock = () => ({ now: formatInstant(serverClock.nowMs()), test: testClock !== undefined });

  server.get(
    '/v1/reconciliation',
    {
      config: { scope: 'admin' },
      schema: { summary: 'Check every invariant, with its counts', tags, response: { 200: reconciliationSchema } },
    },
    async () => showReconciliation(await reconcile()),
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
      await testClock.moveTo(toMs);
      return showClock();
    },
  );
}
