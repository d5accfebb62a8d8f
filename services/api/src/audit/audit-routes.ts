import { documentChanges, type Json } from '@meterline/domain/audit';
import { Fault } from '@meterline/domain/faults';
import { formatInstant } from '@meterline/domain/time';
import { instantMs, instantSchema, text } from '@meterline/pipeline/catalog';
import type { AuditRecord, AuditTrail } from '@meterline/pipeline/ports';
import type { HttpServer } from '@meterline/runtime/http';
import { pageQuery, pageSchema } from '@meterline/runtime/paging';
import { z } from 'zod';
import { instantAnswer } from '../fields.ts';
import { pageAnswer, pageRequest } from '../paging.ts';

const documentSchema = z.record(z.string(), z.unknown()).nullable();

const recordSchema = z.object({
  id: z.string(),
  at: instantAnswer,
  actor: z.object({
    type: z.enum(['api_key', 'system']).describe('system: the server by itself'),
    id: z.string().nullable().describe('Of the API key'),
    name: z.string().nullable().describe('Of the API key, as it was then'),
  }),
  requestId: z.string().nullable().describe('The x-request-id that the caller was answered'),
  action: z.enum(['create', 'update', 'delete']),
  type: z.string().describe('plan, plan_version, subscription, customer, meter, api_key, ...'),
  object: z.string().describe('Key or id; of a plan version pro@2'),
  changes: z.array(
    z.object({
      path: z.string().describe('rateCards[0].price.unitAmount'),
      before: z.unknown().optional().describe('Absent where the field is new'),
      after: z.unknown().optional().describe('Absent where the field is gone'),
    }),
  ),
  before: documentSchema.describe('The object as it was; null when it was created'),
  after: documentSchema.describe('The object as it became; null when it was deleted'),
});

const querySchema = z.strictObject({
  ...pageQuery,
  type: text(64).optional().describe('Only objects of this type, such as plan or api_key'),
  object: text(256).optional().describe('Only the object with this key or id'),
  actor: text(64).optional().describe('Only what this API key (its id) did, or "system"'),
  from: instantSchema.optional(),
  to: instantSchema.optional().describe('Exclusive'),
});

const position = z.tuple([z.string().regex(/^\d{1,18}$/)]);

const show = ({ atMs, actor, before, after, ...record }: AuditRecord): z.input<typeof recordSchema> => ({
  ...record,
  at: formatInstant(atMs),
  actor: { type: actor === null ? 'system' : 'api_key', id: actor?.keyId ?? null, name: actor?.name ?? null },
  changes: documentChanges(before as Json, after as Json),
  before,
  after,
});

/** `GET /v1/audit`. */
export function auditRoutes(server: HttpServer, trail: AuditTrail): void {
  server.get(
    '/v1/audit',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Who changed what, and when; newest first',
        tags: ['Audit'],
        querystring: querySchema,
        response: { 200: pageSchema(recordSchema) },
      },
    },
    async ({ query: { type, object, actor, ...query }, principal }) => {
      const [fromMs, toMs] = [instantMs(query.from), instantMs(query.to)];
      if (fromMs !== undefined && toMs !== undefined && toMs <= fromMs) {
        const errors = [{ path: 'to', message: 'must be after from' }];
        throw new Fault('invalid', 'request.invalid', 'The query string is not valid.', { errors });
      }
      return pageAnswer(
        await trail.page({ ...pageRequest(query, position), type, object, actor, fromMs, toMs }, principal.tenant),
        show,
      );
    },
  );
}
