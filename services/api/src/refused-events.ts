import { formatInstant } from '@meterline/domain/time';
import { instantMs, instantSchema } from '@meterline/pipeline/catalog';
import { REFUSAL_STATUSES, REFUSED_EVENT_POSITION, type RefusedEvent, type RefusedEventReader } from '@meterline/pipeline/ports';
import type { HttpServer } from '@meterline/runtime/http';
import { pageQuery, pageSchema } from '@meterline/runtime/paging';
import { z } from 'zod';
import { instantAnswer } from './fields.ts';
import { pageAnswer, pageRequest } from './paging.ts';

const refusedEventSchema = z.object({
  partition: z.int(),
  offset: z.int().describe('Place in the event log'),
  status: z.enum(REFUSAL_STATUSES),
  code: z.string(),
  detail: z.string(),
  receivedAt: instantAnswer.describe('When it entered the log'),
  event: z.unknown().describe('What was sent; of a withdrawal its id and source'),
});

const show = ({ payload, receivedAtMs, ...refused }: RefusedEvent): z.input<typeof refusedEventSchema> => ({
  ...refused,
  receivedAt: formatInstant(receivedAtMs),
  event: eventOf(payload),
});

/** One reason for refusing a record is that it is not JSON: then its text is what was sent. */
function eventOf(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch {
    return payload;
  }
}

const position = z.tuple([z.string().regex(REFUSED_EVENT_POSITION)]);

/** `/v1/refused-events`. */
export function refusedEventRoutes(server: HttpServer, refused: RefusedEventReader): void {
  server.get(
    '/v1/refused-events',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Events that were received and did not become usage, newest first',
        tags: ['Usage'],
        querystring: z.strictObject({
          ...pageQuery,
          status: z.enum(REFUSAL_STATUSES).optional(),
          from: instantSchema.optional().describe('Received at or after'),
          to: instantSchema.optional().describe('Received before'),
        }),
        response: { 200: pageSchema(refusedEventSchema) },
      },
    },
    async ({ query, principal }) => {
      const range = { fromMs: instantMs(query.from), toMs: instantMs(query.to) };
      return pageAnswer(
        await refused.page({ ...pageRequest(query, position), status: query.status, ...range }, principal.tenant),
        show,
      );
    },
  );
}
