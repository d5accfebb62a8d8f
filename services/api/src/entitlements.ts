import { formatInstant } from '@meterline/domain/time';
import { keySchema, text } from '@meterline/pipeline/catalog';
import { type EntitlementAnswer, type EntitlementCheckPorts, entitlementChecks } from '@meterline/pipeline/entitlements';
import type { FeatureStore, ReachedLevel } from '@meterline/pipeline/ports';
import type { HttpServer } from '@meterline/runtime/http';
import { pageQuery, pageSchema } from '@meterline/runtime/paging';
import { z } from 'zod';
import { instantAnswer, keyParams, noBody } from './fields.ts';
import { pageAnswer, pageRequest } from './paging.ts';
import { asOfSchema, periodSchema } from './spend.ts';

const decimalText = z.string().describe('Exact decimal');
const sourceSchema = z.object({ subscription: z.string(), plan: z.string(), version: z.int() });

const entitlementFields = {
  feature: z.string(),
  name: z.string(),
  hasAccess: z.boolean(),
  type: z.enum(['boolean', 'static', 'metered']).nullable().describe('Null: no subscription of the customer gives the feature'),
  limit: decimalText.nullable().describe('Of a metered one; null is unlimited'),
  softLimit: z.boolean().describe('Access goes on beyond the limit'),
  used: decimalText.nullable().describe('In the period, of a metered one'),
  balance: decimalText.nullable().describe('What is left, never below zero; null is unlimited'),
  overage: decimalText.nullable().describe('What was used beyond the limit'),
  period: periodSchema.nullable(),
  resetsAt: instantAnswer.nullable().describe('When usage counts from zero again'),
  value: z.string().nullable().describe('JSON, as text: of a static one'),
  source: sourceSchema.nullable().describe('The oldest subscription behind the answer'),
  sources: z.array(sourceSchema).describe('All subscriptions behind it: their limits add up'),
};
const entitlementsSchema = z.object({ customer: z.string(), asOf: asOfSchema, items: z.array(z.object(entitlementFields)) });
const entitlementSchema = z.object({ customer: z.string(), asOf: asOfSchema, ...entitlementFields });

const show = ({ sources, ...entitlement }: EntitlementAnswer) => ({ ...entitlement, sources: [...sources] });

const levelSchema = z.object({
  ...{ id: z.string(), customer: z.string(), feature: z.string() },
  percent: z.int().describe('Of the limit; 100 is the limit itself'),
  limit: decimalText,
  used: decimalText.describe('When it was seen'),
  period: periodSchema,
  triggeredAt: instantAnswer,
});

const showLevel = ({ periodFromMs, periodToMs, triggeredAtMs, ...level }: ReachedLevel): z.input<typeof levelSchema> => ({
  ...level,
  period: { from: formatInstant(periodFromMs), to: formatInstant(periodToMs) },
  triggeredAt: formatInstant(triggeredAtMs),
});

export interface EntitlementRoutesDeps extends EntitlementCheckPorts {
  readonly features: EntitlementCheckPorts['features'] & Pick<FeatureStore, 'reachedLevels'>;
}

/** `GET /v1/customers/{key}/entitlements`, and of one feature; `/v1/entitlement-occurrences`. */
export function entitlementRoutes(server: HttpServer, ports: EntitlementRoutesDeps): void {
  const checks = entitlementChecks(ports);
  const tags = ['Entitlements'];

  server.get(
    '/v1/customers/:key/entitlements',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'What a customer may use, and how much is left',
        description:
          'Of all its subscriptions together: limits that reset at the same time add up, else the most generous counts.',
        tags,
        params: keyParams,
        response: { 200: entitlementsSchema },
      },
    },
    async ({ params, principal }) => {
      const { asOf, items, ...answer } = await checks.all(params.key, principal.tenant);
      return { ...answer, asOf: { ...asOf, cut: [...asOf.cut] }, items: items.map(show) };
    },
  );

  server.get(
    '/v1/customers/:key/entitlements/:feature',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Whether a customer may use a feature now',
        tags,
        params: z.strictObject({ key: text(256), feature: text(256) }),
        response: { 200: entitlementSchema },
      },
    },
    async ({ params, principal }) => {
      const { asOf, ...answer } = await checks.one(params.key, params.feature, principal.tenant);
      return { ...show(answer), customer: answer.customer, asOf: { ...asOf, cut: [...asOf.cut] } };
    },
  );

  server.get(
    '/v1/entitlement-occurrences',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List levels of limits that were reached, newest first',
        description: 'Each is what the webhook `entitlement.threshold_reached` told.',
        tags,
        querystring: z.strictObject({ ...pageQuery, customer: keySchema.optional(), feature: keySchema.optional() }),
        response: { 200: pageSchema(levelSchema) },
      },
    },
    async ({ query: { customer, feature, ...page }, principal }) => {
      const reached = await ports.features.reachedLevels({ ...pageRequest(page), customer, feature }, principal.tenant);
      return pageAnswer(reached, showLevel);
    },
  );

  server.post(
    '/v1/entitlements/rebuild',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Forget the balances that are kept for checks',
        description: 'Each is made again from the stores when it is next asked for, or used up further. It changes no answer.',
        tags: ['Operations'],
        body: noBody,
        response: { 200: z.object({ forgotten: z.int().describe('Customers whose balances were kept') }) },
      },
    },
    async ({ principal }) => ({ forgotten: await ports.balances.clear(principal.tenant) }),
  );
}
