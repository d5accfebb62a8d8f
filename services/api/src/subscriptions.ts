import { commitmentSchema } from '@meterline/domain/commitments';
import { formatInstant } from '@meterline/domain/time';
import { keySchema, newSubscriptionSchema, subscriptionEndSchema, type SubscriptionCatalog } from '@meterline/pipeline/catalog';
import type { SubscriptionRecord } from '@meterline/pipeline/ports';
import type { HttpServer } from '@meterline/runtime/http';
import { pageQuery, pageSchema } from '@meterline/runtime/paging';
import { z } from 'zod';
import { idParams, instantAnswer, instantOrNull } from './fields.ts';
import { pageAnswer, pageRequest } from './paging.ts';

const subscriptionSchema = z.object({
  id: z.string(),
  customer: z.string(),
  plan: z.string(),
  planVersion: z.int(),
  startsAt: instantAnswer,
  endsAt: instantAnswer.nullable().describe('Billed through the local day of this instant'),
  commitment: commitmentSchema.nullable().describe('What it spends at least or at most'),
  createdAt: instantAnswer,
});

const show = ({
  startsAtMs,
  endsAtMs,
  createdAtMs,
  ...subscription
}: SubscriptionRecord): z.input<typeof subscriptionSchema> => ({
  ...subscription,
  startsAt: formatInstant(startsAtMs),
  endsAt: instantOrNull(endsAtMs),
  createdAt: formatInstant(createdAtMs),
});

const listQuery = z.strictObject({ ...pageQuery, customer: keySchema.optional(), plan: keySchema.optional() });

export function subscriptionRoutes(server: HttpServer, subscriptions: SubscriptionCatalog): void {
  const tags = ['Subscriptions'];

  server.post(
    '/v1/subscriptions',
    {
      config: { scope: 'admin', idempotent: true },
      schema: {
        summary: 'Subscribe a customer to the latest version of a plan',
        tags,
        body: newSubscriptionSchema,
        response: { 201: subscriptionSchema },
      },
    },
    async (request, reply) => reply.code(201).send(show(await subscriptions.create(request.body, request.principal.tenant))),
  );

  server.get(
    '/v1/subscriptions',
    {
      config: { scope: 'read' },
      schema: { summary: 'List subscriptions', tags, querystring: listQuery, response: { 200: pageSchema(subscriptionSchema) } },
    },
    async (request) => {
      const { customer, plan } = request.query;
      return pageAnswer(
        await subscriptions.list({ ...pageRequest(request.query), customer, plan }, request.principal.tenant),
        show,
      );
    },
  );

  server.get(
    '/v1/subscriptions/:id',
    {
      config: { scope: 'read' },
      schema: { summary: 'Read a subscription', tags, params: idParams, response: { 200: subscriptionSchema } },
    },
    async (request) => show(await subscriptions.get(request.params.id, request.principal.tenant)),
  );

  server.post(
    '/v1/subscriptions/:id/end',
    {
      config: { scope: 'admin', idempotent: true },
      schema: {
        summary: 'End a subscription, or call it off before it begins',
        tags,
        params: idParams,
        body: subscriptionEndSchema.nullish(),
        response: { 200: subscriptionSchema },
      },
    },
    async (request) => show(await subscriptions.end(request.params.id, request.body ?? {}, request.principal.tenant)),
  );
}
