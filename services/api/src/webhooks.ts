import { Fault } from '@meterline/domain/faults';
import {
  type Clock,
  DELIVERY_STATES,
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
import { decodeCursor, encodeCursor, pageQuery, pageSchema } from '@meterline/runtime/paging';
import { z } from 'zod';

/** After a rotation both secrets sign for this long. */
const OLD_SECRET_MS = 24 * 3_600_000;

const eventType = z.enum(WEBHOOK_EVENT_TYPES, { error: `must be one of: ${WEBHOOK_EVENT_TYPES.join(', ')}` });
const instant = z.iso.datetime();

const endpointDraft = z.strictObject({
  url: z.string().max(2048).describe('https:// or http://, public unless the server allows more'),
  events: z.array(eventType).min(1).max(WEBHOOK_EVENT_TYPES.length),
});
const endpointSchema = z.object({
  id: z.string(),
  url: z.string(),
  events: z.array(eventType),
  createdAt: instant,
  disabledAt: instant.nullable(),
  disabledReason: z.string().nullable(),
});
const endpointWithSecret = endpointSchema.extend({
  secret: z.string().describe('Signs the deliveries (Standard Webhooks). Shown only in this answer.'),
});
const deliverySchema = z.object({
  id: z.string(),
  messageId: z.string().describe('The webhook-id header: the same for every attempt and replay'),
  endpoint: z.string(),
  type: eventType,
  state: z.enum(DELIVERY_STATES),
  createdAt: instant,
  completedAt: instant.nullable(),
  nextAttemptAt: instant.nullable(),
  attempts: z.array(
    z.object({
      attempt: z.number().int(),
      at: instant,
      status: z.number().int().nullable(),
      error: z.string().nullable(),
      durationMs: z.number().int(),
    }),
  ),
});
const byId = z.object({ id: z.string() });
const afterCursor = z.tuple([z.string()]);

const text = (ms: number): string => new Date(ms).toISOString();
const textOrNull = (ms: number | null): string | null => (ms === null ? null : text(ms));

const endpointBody = ({ createdAtMs, disabledAtMs, ...endpoint }: WebhookEndpoint): z.input<typeof endpointSchema> => ({
  ...endpoint,
  events: [...endpoint.events],
  createdAt: text(createdAtMs),
  disabledAt: textOrNull(disabledAtMs),
});
const deliveryBody = (delivery: WebhookDelivery): z.input<typeof deliverySchema> => {
  const { createdAtMs, completedAtMs, nextAttemptAtMs, attempts, ...rest } = delivery;
  return {
    ...rest,
    createdAt: text(createdAtMs),
    completedAt: textOrNull(completedAtMs),
    nextAttemptAt: textOrNull(nextAttemptAtMs),
    attempts: attempts.map(({ atMs, ...attempt }) => ({ ...attempt, at: text(atMs) })),
  };
};

export interface WebhookRoutesOptions {
  readonly endpoints: WebhookEndpointStore;
  readonly deliveries: WebhookDeliveryStore;
  readonly clock: Clock;
  readonly policy: WebhookTargetPolicy;
  /** Called after a commit that made something due; the deliverer of the same process then need not wait for its next look. */
  readonly notify: () => void;
}

/** `/v1/webhook-endpoints` and `/v1/webhook-deliveries`. */
export function addWebhookRoutes(server: HttpServer, options: WebhookRoutesOptions): void {
  addEndpointRoutes(server, options);
  addDeliveryRoutes(server, options);
}

function addEndpointRoutes(server: HttpServer, { endpoints, clock, policy, notify }: WebhookRoutesOptions): void {
  const root = '/v1/webhook-endpoints';
  const tags = ['Webhooks'];

  server.post(
    root,
    {
      config: { scope: 'admin', idempotent: true },
      schema: { tags, summary: 'Create a webhook endpoint', body: endpointDraft, response: { 201: endpointWithSecret } },
    },
    async ({ body, principal }, reply) => {
      const draft = { url: checkedUrl(body.url, policy), events: [...new Set(body.events)], secret: newWebhookSecret() };
      const endpoint = await endpoints.insert(draft, clock.nowMs(), principal.tenant);
      return reply.code(201).send({ ...endpointBody(endpoint), secret: draft.secret });
    },
  );

  server.get(
    root,
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'List webhook endpoints',
        querystring: z.strictObject(pageQuery),
        response: { 200: pageSchema(endpointSchema) },
      },
    },
    async ({ query, principal }) => {
      const [after] = decodeCursor(query.cursor, afterCursor) ?? [null];
      const { items, nextAfter } = await endpoints.page({ after, limit: query.limit }, principal.tenant);
      return { items: items.map(endpointBody), nextCursor: nextAfter === null ? null : encodeCursor([nextAfter]) };
    },
  );

  server.get(
    `${root}/:id`,
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'Read a webhook endpoint', params: byId, response: { 200: endpointSchema } },
    },
    async ({ params, principal }) => endpointBody(found(await endpoints.byId(params.id, principal.tenant))),
  );

  server.delete(
    `${root}/:id`,
    {
      config: { scope: 'admin' },
      schema: { tags, summary: 'Delete a webhook endpoint', params: byId, response: { 204: z.void() } },
    },
    async ({ params, principal }, reply) => {
      found((await endpoints.remove(params.id, clock.nowMs(), principal.tenant)) || undefined);
      return reply.code(204).send();
    },
  );

  server.post(
    `${root}/:id/rotate-secret`,
    {
      config: { scope: 'admin', idempotent: true },
      schema: {
        tags,
        summary: 'Replace the secret; the old one signs along for 24 hours',
        params: byId,
        response: { 200: endpointWithSecret },
      },
    },
    async ({ params, principal }) => {
      const secret = newWebhookSecret();
      const rotated = await endpoints.rotateSecret(params.id, secret, clock.nowMs() + OLD_SECRET_MS, principal.tenant);
      return { ...endpointBody(found(rotated)), secret };
    },
  );

  server.post(
    `${root}/:id/enable`,
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        summary: 'Enable a disabled endpoint; what waited is sent now',
        params: byId,
        response: { 200: endpointSchema },
      },
    },
    async ({ params, principal }) => {
      const enabled = found(await endpoints.enable(params.id, clock.nowMs(), principal.tenant));
      notify();
      return endpointBody(enabled);
    },
  );

  server.post(
    `${root}/:id/test`,
    {
      config: { scope: 'admin', idempotent: true },
      schema: { tags, summary: 'Send a ping message', params: byId, response: { 202: deliverySchema } },
    },
    async ({ params, principal }, reply) => {
      found(await endpoints.byId(params.id, principal.tenant));
      const delivery = enabled(await endpoints.ping(params.id, clock.nowMs(), principal.tenant));
      notify();
      return reply.code(202).send(deliveryBody(delivery));
    },
  );
}

function addDeliveryRoutes(server: HttpServer, { deliveries, clock, notify }: WebhookRoutesOptions): void {
  const root = '/v1/webhook-deliveries';
  const tags = ['Webhooks'];
  const listQuery = z.strictObject({
    ...pageQuery,
    endpoint: z.string().optional(),
    state: z.enum(DELIVERY_STATES).optional(),
    type: eventType.optional(),
  });

  server.get(
    root,
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'List deliveries, newest first',
        querystring: listQuery,
        response: { 200: pageSchema(deliverySchema) },
      },
    },
    async ({ query: { cursor, ...query }, principal }) => {
      const [after] = decodeCursor(cursor, afterCursor) ?? [null];
      const { items, nextAfter } = await deliveries.page({ ...query, after }, principal.tenant);
      return { items: items.map(deliveryBody), nextCursor: nextAfter === null ? null : encodeCursor([nextAfter]) };
    },
  );

  server.get(
    `${root}/:id`,
    {
      config: { scope: 'read' },
      schema: { tags, summary: 'Read a delivery with its attempts', params: byId, response: { 200: deliverySchema } },
    },
    async ({ params, principal }) => deliveryBody(found(await deliveries.byId(params.id, principal.tenant), 'delivery')),
  );

  server.post(
    `${root}/:id/replay`,
    {
      config: { scope: 'admin', idempotent: true },
      schema: {
        tags,
        summary: 'Deliver the same message to the same endpoint once more',
        params: byId,
        response: { 202: deliverySchema },
      },
    },
    async ({ params, principal }, reply) => {
      found(await deliveries.byId(params.id, principal.tenant), 'delivery');
      const delivery = enabled(await deliveries.replay(params.id, clock.nowMs(), principal.tenant));
      notify();
      return reply.code(202).send(deliveryBody(delivery));
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

function enabled(delivery: WebhookDelivery | undefined): WebhookDelivery {
  if (delivery !== undefined) return delivery;
  throw new Fault(
    'conflict',
    'webhook_endpoint.disabled',
    'The endpoint is disabled or deleted: nothing is sent to it until it is enabled.',
  );
}
