import { formatInstant, WINDOW_SIZES } from '@meterline/domain/time';
import { usageInputSchema, type UsageAnswer, type UsageQueries } from '@meterline/pipeline/catalog';
import type { HttpServer } from '@meterline/runtime/http';
import { z } from 'zod';
import { instantAnswer, keyParams } from './fields.ts';

const rowSchema = z.object({
  from: instantAnswer,
  to: instantAnswer,
  subject: z.string().optional(),
  group: z.record(z.string(), z.string()).optional().describe('Values of the dimensions grouped by'),
  value: z.string().describe('Exact decimal'),
  events: z.int().describe('Accepted events behind the value; of a peak_concurrency the sessions that began'),
});

const answerSchema = z.object({
  meter: z.string(),
  from: instantAnswer,
  to: instantAnswer,
  window: z.enum(WINDOW_SIZES).nullable(),
  timezone: z.string(),
  asOf: z.object({
    cut: z.array(z.int()).describe('Per partition of the log, the first offset that is not counted yet'),
    at: instantAnswer,
  }),
  rows: z.array(rowSchema).describe('Windows and groups with at least one event, or with a level or an open session'),
});

const show = (answer: UsageAnswer): z.input<typeof answerSchema> => ({
  meter: answer.meter.key,
  from: formatInstant(answer.fromMs),
  to: formatInstant(answer.toMs),
  window: answer.window,
  timezone: answer.timezone,
  asOf: { cut: [...answer.cut], at: formatInstant(answer.atMs) },
  rows: answer.rows.map((row) => ({
    from: formatInstant(row.windowFromMs),
    to: formatInstant(row.windowToMs),
    ...(row.subject === null ? {} : { subject: row.subject }),
    ...(Object.keys(row.group).length === 0 ? {} : { group: row.group }),
    value: row.value,
    events: row.events,
  })),
});

export function usageRoutes(server: HttpServer, usage: UsageQueries): void {
  server.get(
    '/v1/meters/:key/usage',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Exact usage of a meter, as of what has been committed',
        tags: ['Usage'],
        params: keyParams,
        querystring: usageInputSchema,
        response: { 200: answerSchema },
      },
    },
    async (request) => show(await usage.query(request.params.key, request.query, request.principal.tenant)),
  );
}
