import { formatInstant } from '@meterline/domain/time';
import { type FeatureCatalog, newFeatureSchema } from '@meterline/pipeline/catalog';
import type { FeatureRecord } from '@meterline/pipeline/ports';
import type { HttpServer } from '@meterline/runtime/http';
import { pageQuery, pageSchema } from '@meterline/runtime/paging';
import { z } from 'zod';
import { instantAnswer, instantOrNull, keyParams, noBody } from './fields.ts';
import { pageAnswer, pageRequest } from './paging.ts';

const featureSchema = z.object({
  key: z.string(),
  name: z.string(),
  meter: z.string().nullable(),
  filter: z.record(z.string(), z.array(z.string())).describe('Dimension of the meter -> accepted values'),
  createdAt: instantAnswer,
  archivedAt: instantAnswer.nullable(),
});

const show = ({ createdAtMs, archivedAtMs, filter, ...feature }: FeatureRecord): z.input<typeof featureSchema> => ({
  ...feature,
  filter: Object.fromEntries(Object.entries(filter).map(([name, values]) => [name, [...values]])),
  createdAt: formatInstant(createdAtMs),
  archivedAt: instantOrNull(archivedAtMs),
});

/** `/v1/features`. */
export function featureRoutes(server: HttpServer, features: FeatureCatalog): void {
  const tags = ['Features'];

  server.post(
    '/v1/features',
    {
      config: { scope: 'admin', idempotent: true },
      schema: { summary: 'Create a feature', tags, body: newFeatureSchema, response: { 201: featureSchema } },
    },
    async ({ body, principal }, reply) => reply.code(201).send(show(await features.create(body, principal.tenant))),
  );

  server.get(
    '/v1/features',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List features',
        tags,
        querystring: z.strictObject(pageQuery),
        response: { 200: pageSchema(featureSchema) },
      },
    },
    async ({ query, principal }) => pageAnswer(await features.list(pageRequest(query), principal.tenant), show),
  );

  server.get(
    '/v1/features/:key',
    {
      config: { scope: 'read' },
      schema: { summary: 'Read a feature', tags, params: keyParams, response: { 200: featureSchema } },
    },
    async ({ params, principal }) => show(await features.get(params.key, principal.tenant)),
  );

  server.post(
    '/v1/features/:key/archive',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Close a feature to new plan versions',
        description: 'Plan versions that have it keep it, and their subscriptions too.',
        tags,
        params: keyParams,
        body: noBody,
        response: { 200: featureSchema },
      },
    },
    async ({ params, principal }) => show(await features.archive(params.key, principal.tenant)),
  );
}
