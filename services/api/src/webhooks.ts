import { Fault } from '@meterline/domain/faults';
import { formatInstant } from '@meterline/domain/time';
import { text } from '@meterline/pipeline/catalog';
import {
  type Clock,
  DELIVERY_STATES,
  type TenantClock,
  type WebhookDelivery,
  type WebhookDeliveryStore,
  type WebhookEndpoint,
  type WebhookEndpointStore,
} from '@meterline/pipeline/ports';
import {
  newWebhookSecret,
  TargetRefusedError,
  WEBHOOK_EVENT_TYPES,
  webhookTarget,
  type WebhookTargetPolicy,
} from '@meterline/pipeline/webhooks';
import type { HttpServer } from '@meterline/runtime/http';
import { pageQuery, pageSchema } from '@meterline/runtime/paging';
import { z } from 'zod';
import { idParams, instantAnswer, instantOrNull, noBody } from './fields.ts';
import { pageAnswer, pageRequest } from './paging.ts';

/** After a rotation both secrets sign for this long. */
const OLD_SECRET_MS = 24 * 3_600_000;

const eventType = z.enum(WEBHOOK_EVENT_TYPES, { error: `must be one of: ${WEBHOOK_EVENT_TYPES.join(', ')}` });

const endpointDraft = z.strictObject({
  url: text(2048).describe('https:// or http://; a public address unless the server allows more'),
  events: z.array(eventType).min(1, 'must name at least one event type'),
});

const endpointSchema = z.object({
  id: z.string(),
  url: z.string(),
  events: z.array(eventType),
  createdAt: instantAnswer,
  disabledAt: instantAnswer.nullable(),
  disabledReason: z.string().nullable(),
});

const endpointWithSecret = endpointSchema.extend({
  secret: z.string().describe('Signs the deliveries (Standard Webhooks). Only this answer shows it.'),
});

const deliverySchema = z.object({
  id: z.string(),
  messageId: z.string().describe('The webhook-id header: the same for every attempt and replay'),
  endpoint: z.string(),
  type: eventType,
  state: z.enum(DELIVERY_STATES),
  createdAt: instantAnswer,
  completedAt: instantAnswer.nullable(),
  nextAttemptAt: instantAnswer.nullable().describe('Null once complete, and while the endpoint is disabled'),
  attempts: z.array(
    z.object({
      attempt: z.int(),
      at: instantAnswer,
      status: z.int().nullable().describe('HTTP status; null if there was no answer'),
      error: z.string().nullable(),
      durationMs: z.int(),
    }),
  ),
});

const deliveryQuery = z.strictObject({
  ...pageQuery,
  endpoint: text(256).optional(),
  state: z.enum(DELIVERY_STATES).optional(),
  type: eventType.optional(),
});

const showEndpoint = ({ createdAtMs, disabledAtMs, events, ...endpoint }: WebhookEndpoint): z.input<typeof endpointSchema> => ({
  ...endpoint,
  events: [...events],
  createdAt: formatInstant(createdAtMs),
  disabledAt: instantOrNull(disabledAtMs),
});

const showDelivery = (delivery: WebhookDelivery): z.input<typeof deliverySchema> => {
  const { createdAtMs, completedAtMs, nextAttemptAtMs, attempts, ...rest } = delivery;
  return {
    ...rest,
    createdAt: formatInstant(createdAtMs),
    completedAt: instantOrNull(completedAtMs),
    nextAttemptAt: instantOrNull(nextAttemptAtMs),
    attempts: attempts.map(({ atMs, ...attempt }) => ({ ...attempt, at: formatInstant(atMs) })),
  };
};

export interface WebhookRoutesDeps {
  readonly endpoints: WebhookEndpointStore;
  readonly deliveries: WebhookDeliveryStore;
  readonly clock: TenantClock;
  readonly serverClock: Clock;
  readonly policy: WebhookTargetPolicy;
  /** Called after a commit that made something due, so that a deliverer in this process need not wait for its next look. */
  readonly notify: () => void;
}

export function webhookRoutes(server: HttpServer, deps: WebhookRoutesDeps): void {
  endpointRoutes(server, deps);
  deliveryRoutes(server, deps);
}

function endpointRoutes(server: HttpServer, { endpoints, clock, serverClock, policy, notify }: WebhookRoutesDeps): void {
  const root = '/v1/webhook-endpoints';
  const tags = ['Webhooks'];
  const params = idParams;

  server.post(
    root,
    {
      config: { scope: 'admin', idempotent: true },
      schema: { summary: 'Create a webhook endpoint', tags, body: endpointDraft, response: { 201: endpointWithSecret } },
    },
    async ({ body, principal }, reply) => {
      const draft = { url: checkedUrl(body.url, policy), events: [...new Set(body.events)], secret: newWebhookSecret() };
      const endpoint = await endpoints.insert(draft, await clock.nowMs(principal.tenant), principal.tenant);
      return reply.code(201).send({ ...showEndpoint(endpoint), secret: draft.secret });
    },
  );

  server.get(
    root,
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List webhook endpoints',
        tags,
        querystring: z.strictObject(pageQuery),
        response: { 200: pageSchema(endpointSchema) },
      },
    },
    async ({ query, principal }) => pageAnswer(await endpoints.page(pageRequest(query), principal.tenant), showEndpoint),
  );

  server.get(
    `${root}/:id`,
    {
      config: { scope: 'read' },
      schema: { summary: 'Read a webhook endpoint', tags, params, response: { 200: endpointSchema } },
    },
    async (request) => showEndpoint(found(await endpoints.byId(request.params.id, request.principal.tenant))),
  );

  server.delete(
    `${root}/:id`,
    {
      config: { scope: 'admin' },
      schema: { summary: 'Delete a webhook endpoint; its deliveries stay listed', tags, params, response: { 204: z.void() } },
    },
    async (request, reply) => {
      found((await endpoints.remove(request.params.id, serverClock.nowMs(), request.principal.tenant)) || undefined);
      return reply.code(204).send();
    },
  );

  server.post(
    `${root}/:id/rotate-secret`,
    {
      config: { scope: 'admin', idempotent: true },
      schema: {
        summary: 'Replace the secret; the old one signs along for 24 hours',
        tags,
        params,
        body: noBody,
        response: { 200: endpointWithSecret },
      },
    },
    async (request) => {
      const secret = newWebhookSecret();
      const oldUntilMs = serverClock.nowMs() + OLD_SECRET_MS;
      const rotated = await endpoints.rotateSecret(request.params.id, secret, oldUntilMs, request.principal.tenant);
      return { ...showEndpoint(found(rotated)), secret };
    },
  );

  server.post(
    `${root}/:id/enable`,
    {
      config: { scope: 'admin', idempotent: true },
      schema: {
        summary: 'Enable a disabled endpoint; what waited is sent now',
        tags,
        params,
        body: noBody,
        response: { 200: endpointSchema },
      },
    },
    async (request) => {
      const enabled = found(await endpoints.enable(request.params.id, serverClock.nowMs(), request.principal.tenant));
      notify();
      return showEndpoint(enabled);
    },
  );

  server.post(
    `${root}/:id/test`,
    {
      config: { scope: 'admin', idempotent: true },
      schema: { summary: 'Send a ping to the endpoint', tags, params, body: noBody, response: { 202: deliverySchema } },
    },
    async ({ params: { id }, principal: { tenant } }, reply) => {
      found(await endpoints.byId(id, tenant));
      const delivery = made(await endpoints.ping(id, await clock.nowMs(tenant), tenant));
      notify();
      return reply.code(202).send(showDelivery(delivery));
    },
  );
}

function deliveryRoutes(server: HttpServer, { deliveries, clock, notify }: WebhookRoutesDeps): void {
  const root = '/v1/webhook-deliveries';
  const tags = ['Webhooks'];
  const params = idParams;

  server.get(
    root,
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List deliveries, newest first',
        tags,
        querystring: deliveryQuery,
        response: { 200: pageSchema(deliverySchema) },
      },
    },
    async ({ query, principal }) => {
      const { endpoint, state, type } = query;
      return pageAnswer(await deliveries.page({ ...pageRequest(query), endpoint, state, type }, principal.tenant), showDelivery);
    },
  );

  server.get(
    `${root}/:id`,
    {
      config: { scope: 'read' },
      schema: { summary: 'Read a delivery with its attempts', tags, params, response: { 200: deliverySchema } },
    },
    async (request) => showDelivery(found(await deliveries.byId(request.params.id, request.principal.tenant), 'delivery')),
  );

  server.post(
    `${root}/:id/replay`,
    {
      config: { scope: 'admin', idempotent: true },
      schema: {
        summary: 'Deliver the same message to the same endpoint once more',
        tags,
        params,
        body: noBody,
        response: { 202: deliverySchema },
      },
    },
    async ({ params: { id }, principal: { tenant } }, reply) => {
      found(await deliveries.byId(id, tenant), 'delivery');
      const delivery = made(await deliveries.replay(id, await clock.nowMs(tenant), tenant));
      notify();
      return reply.code(202).send(showDelivery(delivery));
    },
  );
}

function checkedUrl(url: string, policy: WebhookTargetPolicy): string {
  try {
    return webhookTarget(url, policy).href;
  } catch (error) {
    if (!(error instanceof TargetRefusedError)) throw error;
    const errors = [{ path: 'url', message: error.message }];
    throw new Fault('invalid', error.code, 'Webhooks cannot be sent to this URL.', { errors, cause: error });
  }
}

function found<T>(item: T | undefined, what: 'endpoint' | 'delivery' = 'endpoint'): T {
  if (item === undefined) throw new Fault('not_found', `webhook_${what}.unknown`, `There is no such webhook ${what}.`);
  return item;
}

/** The stores make no delivery to an endpoint that is disabled or deleted. */
function made(delivery: WebhookDelivery | undefined): WebhookDelivery {
  if (delivery !== undefined) return delivery;
  throw new Fault('conflict', 'webhook_endpoint.disabled', 'The endpoint is disabled or deleted: nothing is sent to it.');
}
