import { commitmentSchema } from '@meterline/domain/commitments';
import { modifiersSchema, priceSchema } from '@meterline/domain/prices';
import { formatInstant } from '@meterline/domain/time';
import {
  type Catalog,
  keySchema,
  newSubscriptionSchema,
  quantitiesSchema,
  type PriceRecord,
  stageAt,
  subscriptionEndSchema,
} from '@meterline/pipeline/catalog';
import type { PhaseRecord, SubscriptionRecord, TenantClock } from '@meterline/pipeline/ports';
import type { HttpServer } from '@meterline/runtime/http';
import { pageQuery, pageSchema } from '@meterline/runtime/paging';
import { z } from 'zod';
import { idParams, instantAnswer, instantOrNull } from './fields.ts';
import { pageAnswer, pageRequest } from './paging.ts';

const phaseSchema = z.object({
  key: z.string(),
  until: instantAnswer.describe('Local midnight, exclusive'),
  trial: z.boolean(),
});

export const subscriptionSchema = z.object({
  id: z.string(),
  customer: z.string(),
  plan: z.string(),
  planVersion: z.int(),
  startsAt: instantAnswer,
  endsAt: instantAnswer.nullable().describe('Billed through the local day of this instant'),
  commitment: commitmentSchema.nullable().describe('What it spends at least or at most'),
  phase: phaseSchema.nullable().describe('Of the plan version; null behind its phases'),
  quantities: quantitiesSchema,
  paused: z.boolean().describe('Nothing is billed'),
  stages: z
    .array(
      z.object({
        from: instantAnswer.describe('The start of the subscription, or a local midnight'),
        until: instantAnswer.nullable().describe('Local midnight, exclusive; null: until the subscription ends'),
        plan: z.string(),
        planVersion: z.int(),
        commitment: commitmentSchema.nullable(),
        phase: phaseSchema.nullable(),
        quantities: quantitiesSchema,
        paused: z.boolean(),
        change: z.string().describe('The change that it began with'),
      }),
    )
    .describe('What it is now, and what it will be: `plan` to `paused` are those of the first'),
  version: z.int().describe('Counts its changes'),
  createdAt: instantAnswer,
});

export function showSubscription(subscription: SubscriptionRecord, nowMs: number): z.input<typeof subscriptionSchema> {
  const { id, customer, startsAtMs, endsAtMs, createdAtMs, version, stages } = subscription;
  const now = stageAt(subscription, nowMs);
  const { plan, planVersion, commitment, phase, quantities, paused } = now;
  return {
    ...{ id, customer, plan, planVersion },
    startsAt: formatInstant(startsAtMs),
    endsAt: instantOrNull(endsAtMs),
    ...{ commitment, phase: showPhase(phase), quantities, paused },
    stages: stages
      .slice(stages.indexOf(now))
      // The stages behind the end come back if it is called off.
      .filter(({ fromMs }) => fromMs === now.fromMs || endsAtMs === null || fromMs <= endsAtMs)
      .map((stage) => ({
        from: formatInstant(stage.fromMs),
        until: instantOrNull(stage.untilMs),
        plan: stage.plan,
        planVersion: stage.planVersion,
        commitment: stage.commitment,
        phase: showPhase(stage.phase),
        quantities: stage.quantities,
        paused: stage.paused,
        change: stage.change,
      })),
    version,
    createdAt: formatInstant(createdAtMs),
  };
}

function showPhase(phase: PhaseRecord | null): z.input<typeof phaseSchema> | null {
  return phase && { key: phase.key, until: formatInstant(phase.untilMs), trial: phase.remindsAtMs !== null };
}

const readSchema = subscriptionSchema.extend({
  negotiatedPrices: z
    .array(
      z.object({
        revision: z.int().describe('Of what was negotiated with the customer'),
        rateCard: z.string(),
        validFrom: instantAnswer.nullable(),
        validUntil: instantAnswer.nullable().describe('Not included; null: for good'),
        price: priceSchema,
        modifiers: modifiersSchema.nullable(),
      }),
    )
    .describe('What the customer pays, and will pay, in place of the list prices of the plan version of now'),
});

/** The prices, in force or to come, that are not list prices. */
function showNegotiated(prices: readonly PriceRecord[], nowMs: number): z.input<typeof readSchema>['negotiatedPrices'] {
  return prices.flatMap(({ rateCard, fromMs, toMs, price, modifiers, negotiated }) => {
    if (negotiated === null || (toMs ?? Infinity) <= nowMs) return [];
    const valid = { validFrom: instantOrNull(fromMs), validUntil: instantOrNull(toMs) };
    return [{ revision: negotiated, rateCard, ...valid, price, modifiers: modifiers ?? null }];
  });
}

const listQuery = z.strictObject({ ...pageQuery, customer: keySchema.optional(), plan: keySchema.optional() });

export function subscriptionRoutes(
  server: HttpServer,
  { subscriptions, priceChanges }: Pick<Catalog, 'subscriptions' | 'priceChanges'>,
  clock: TenantClock,
): void {
  const tags = ['Subscriptions'];
  const show = async (subscription: SubscriptionRecord, tenant: string) =>
    showSubscription(subscription, await clock.nowMs(tenant));

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
    async ({ body, principal: { tenant } }, reply) =>
      reply.code(201).send(await show(await subscriptions.create(body, tenant), tenant)),
  );

  server.get(
    '/v1/subscriptions',
    {
      config: { scope: 'read' },
      schema: { summary: 'List subscriptions', tags, querystring: listQuery, response: { 200: pageSchema(subscriptionSchema) } },
    },
    async ({ query, principal: { tenant } }) => {
      const { customer, plan } = query;
      const nowMs = await clock.nowMs(tenant);
      return pageAnswer(await subscriptions.list({ ...pageRequest(query), customer, plan }, tenant), (each) =>
        showSubscription(each, nowMs),
      );
    },
  );

  server.get(
    '/v1/subscriptions/:id',
    {
      config: { scope: 'read' },
      schema: { summary: 'Read a subscription', tags, params: idParams, response: { 200: readSchema } },
    },
    async ({ params, principal: { tenant } }) => {
      const subscription = await subscriptions.get(params.id, tenant);
      const { customer } = subscription;
      const nowMs = await clock.nowMs(tenant);
      const { plan, planVersion: version } = stageAt(subscription, nowMs);
      const prices = await priceChanges.prices({ plan, version }, { customer }, tenant);
      return { ...showSubscription(subscription, nowMs), negotiatedPrices: showNegotiated(prices, nowMs) };
    },
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
    async ({ params, body, principal: { tenant } }) => show(await subscriptions.end(params.id, body ?? {}, tenant), tenant),
  );
}
