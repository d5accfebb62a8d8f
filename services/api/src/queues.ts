import { type InvoiceRunPorts, requeuePending } from '@meterline/pipeline/invoices';
import { type PlanMoveRequestPorts, requeuePlanMoves } from '@meterline/pipeline/plan-moves';
import type { HttpServer } from '@meterline/runtime/http';
import { z } from 'zod';

const rebuiltSchema = z.object({
  invoiceRuns: z.int().describe('Invoice runs that are not complete; each has its job again'),
  planMoves: z.int().describe('Moves of subscriptions that are not complete'),
});

/** `POST /v1/queues/rebuild`: queues hold nothing that the billing store could not tell again. */
export function queueRoutes(
  server: HttpServer,
  ports: Pick<InvoiceRunPorts, 'jobs' | 'invoices'> & Pick<PlanMoveRequestPorts, 'planMoves'>,
): void {
  server.post(
    '/v1/queues/rebuild',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Enqueue again whatever the billing store says is pending',
        description:
          'After the queues were lost. It happens by itself every half minute, and doing it once more changes nothing.',
        tags: ['Operations'],
        response: { 200: rebuiltSchema },
      },
    },
    async () => ({ ...(await requeuePending(ports)), planMoves: await requeuePlanMoves(ports) }),
  );
}
