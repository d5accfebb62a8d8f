import { formatInstant } from '@meterline/domain/time';
import { apiScopeSchema, newApiKeySchema, type ApiKeyCatalog } from '@meterline/pipeline/catalog';
import type { ApiKeyRecord } from '@meterline/pipeline/ports';
import type { HttpServer } from '@meterline/runtime/http';
import { pageQuery, pageSchema } from '@meterline/runtime/paging';
import { z } from 'zod';
import { idParams, instantAnswer, instantOrNull, noBody } from './fields.ts';
import { pageAnswer, pageRequest } from './paging.ts';

const apiKeySchema = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(apiScopeSchema),
  expiresAt: instantAnswer.nullable(),
  revokedAt: instantAnswer.nullable(),
  createdAt: instantAnswer,
});

const createdKeySchema = apiKeySchema.extend({
  key: z.string().describe('What the holder sends as bearer token: shown this once'),
});

const show = (key: ApiKeyRecord): z.input<typeof apiKeySchema> => ({
  id: key.id,
  name: key.name,
  scopes: [...key.scopes],
  expiresAt: instantOrNull(key.expiresAtMs),
  revokedAt: instantOrNull(key.revokedAtMs),
  createdAt: formatInstant(key.createdAtMs),
});

export function apiKeyRoutes(server: HttpServer, apiKeys: ApiKeyCatalog): void {
  const tags = ['API keys'];

  server.post(
    '/v1/api-keys',
    {
      // Not idempotent: a kept answer would keep the secret.
      config: { scope: 'admin' },
      schema: { summary: 'Create an API key', tags, body: newApiKeySchema, response: { 201: createdKeySchema } },
    },
    async (request, reply) => {
      const created = await apiKeys.create(request.body, request.principal.tenant);
      return reply.code(201).send({ ...show(created), key: created.token });
    },
  );

  server.get(
    '/v1/api-keys',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'List API keys',
        tags,
        querystring: z.strictObject(pageQuery),
        response: { 200: pageSchema(apiKeySchema) },
      },
    },
    async (request) => pageAnswer(await apiKeys.list(pageRequest(request.query), request.principal.tenant), show),
  );

  server.get(
    '/v1/api-keys/:id',
    {
      config: { scope: 'admin' },
      schema: { summary: 'Read an API key', tags, params: idParams, response: { 200: apiKeySchema } },
    },
    async (request) => show(await apiKeys.get(request.params.id, request.principal.tenant)),
  );

  server.post(
    '/v1/api-keys/:id/revoke',
    {
      config: { scope: 'admin' },
      schema: { summary: 'Revoke an API key', tags, params: idParams, body: noBody, response: { 200: apiKeySchema } },
    },
    async (request) => show(await apiKeys.revoke(request.params.id, request.principal.tenant)),
  );
}
