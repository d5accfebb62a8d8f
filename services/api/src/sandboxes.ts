import { formatInstant } from '@meterline/domain/time';
import { keySchema } from '@meterline/pipeline/catalog';
import type { SandboxRecord, TenantClock } from '@meterline/pipeline/ports';
import { newSandboxSchema, type SandboxCatalog } from '@meterline/pipeline/sandboxes';
import type { HttpServer } from '@meterline/runtime/http';
import { pageQuery, pageSchema } from '@meterline/runtime/paging';
import { z } from 'zod';
import { instantAnswer, instantOrNull } from './fields.ts';
import { pageAnswer, pageRequest } from './paging.ts';

const sandboxSchema = z.object({
  key: z.string(),
  name: z.string(),
  tenant: z.string().describe('The tenant that it is, for programs that write to Kafka'),
  now: instantAnswer.describe('By its clock'),
  movingTo: instantAnswer.nullable().describe('Where its clock is on its way to'),
  createdAt: instantAnswer,
});
const createdSchema = sandboxSchema.extend({
  apiKey: z.string().describe('Admin key of the sandbox: shown this once'),
});

export interface SandboxDeps {
  readonly sandboxes: SandboxCatalog;
  readonly clock: TenantClock;
}

/** `/v1/sandboxes`: tenants with a clock of their own, made and listed by the tenant that tries something out in them. */
export function sandboxRoutes(server: HttpServer, { sandboxes, clock }: SandboxDeps): void {
  const tags = ['Sandboxes'];
  const show = async (sandbox: SandboxRecord): Promise<z.input<typeof sandboxSchema>> => ({
    key: sandbox.key,
    name: sandbox.name,
    tenant: sandbox.ownTenant,
    now: formatInstant(await clock.nowMs(sandbox.ownTenant)),
    movingTo: instantOrNull(sandbox.movingToMs),
    createdAt: formatInstant(sandbox.createdAtMs),
  });

  server.post(
    '/v1/sandboxes',
    {
      // Not idempotent: a kept answer would keep the secret.
      config: { scope: 'admin' },
      schema: {
        summary: 'Create a sandbox: an empty tenant with a clock of its own',
        tags,
        body: newSandboxSchema,
        response: { 201: createdSchema },
      },
    },
    async ({ body, principal }, reply) => {
      const created = await sandboxes.create(body, principal.tenant);
      return reply.code(201).send({ ...(await show(created)), apiKey: created.token });
    },
  );

  server.get(
    '/v1/sandboxes',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List sandboxes',
        tags,
        querystring: z.strictObject(pageQuery),
        response: { 200: pageSchema(sandboxSchema) },
      },
    },
    async ({ query, principal }) => {
      const { items, nextAfter } = await sandboxes.list(pageRequest(query), principal.tenant);
      return pageAnswer({ items: await Promise.all(items.map(show)), nextAfter }, (shown) => shown);
    },
  );

  server.get(
    '/v1/sandboxes/:key',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Read a sandbox',
        tags,
        params: z.strictObject({ key: keySchema }),
        response: { 200: sandboxSchema },
      },
    },
    async ({ params, principal }) => show(await sandboxes.get(params.key, principal.tenant)),
  );

  server.delete(
    '/v1/sandboxes/:key',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Delete a sandbox with all its data',
        description:
          'No key opens it any more, and its rows are deleted soon after. Its events leave the log with all others of their age; nobody can read them. A new ' +
          'sandbox may have its key, and begins empty.',
        tags,
        params: z.strictObject({ key: keySchema }),
        response: { 204: z.void() },
      },
    },
    async ({ params, principal }, reply) => {
      await sandboxes.remove(params.key, principal.tenant);
      return reply.code(204).send();
    },
  );
}
