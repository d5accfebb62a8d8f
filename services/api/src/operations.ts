import type { Reconciliation } from '@meterline/pipeline/reconcile';
import type { HttpServer } from '@meterline/runtime/http';
import { z } from 'zod';

export interface OperationsDeps {
  /** Checks every invariant of the whole installation. */
  readonly reconcile: () => Promise<Reconciliation>;
}

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

export function operationsRoutes(server: HttpServer, { reconcile }: OperationsDeps): void {
  const tags = ['Operations'];
  server.get(
    '/v1/reconciliation',
    {
      config: { scope: 'admin' },
      schema: { summary: 'Check every invariant, with its counts', tags, response: { 200: reconciliationSchema } },
    },
    async () => showReconciliation(await reconcile()),
  );
}
