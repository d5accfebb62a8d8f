import { commitmentSchema } from '@meterline/domain/commitments';
import { invoiceThresholdsSchema } from '@meterline/domain/invoices';
import { phasesSchema } from '@meterline/domain/phases';
import { rateCardSchema } from '@meterline/domain/prices';
import { changeRulesSchema } from '@meterline/domain/stages';
import { billingPeriodSchema } from '@meterline/domain/subscriptions';
import { formatInstant } from '@meterline/domain/time';
import {
  newPlanSchema,
  newPlanVersionSchema,
  type PlanCatalog,
  planFeatureSchema,
  unusedTimeSchema,
} from '@meterline/pipeline/catalog';
import type { PlanRecord, PlanVersionRecord } from '@meterline/pipeline/ports';
import type { HttpServer } from '@meterline/runtime/http';
import { pageQuery, pageSchema } from '@meterline/runtime/paging';
import { z } from 'zod';
import { instantAnswer, instantOrNull, keyParams, noBody } from './fields.ts';
import { pageAnswer, pageRequest } from './paging.ts';

export const planSchema = z.object({
  key: z.string(),
  name: z.string(),
  currency: z.string(),
  billingPeriod: billingPeriodSchema,
  version: z.int().describe('The latest published, which new subscriptions get; of a plan that has none, its draft'),
  rateCards: z.array(rateCardSchema),
  commitment: commitmentSchema.nullable(),
  features: z.array(planFeatureSchema),
  draft: z.boolean().describe('May change, and takes no subscriptions'),
  unusedTime: unusedTimeSchema,
  changeRules: changeRulesSchema.nullable(),
  phases: phasesSchema,
  invoiceThresholds: invoiceThresholdsSchema.nullable(),
  createdAt: instantAnswer,
  archivedAt: instantAnswer.nullable(),
});

export const showPlan = ({
  createdAtMs,
  archivedAtMs,
  rateCards,
  features,
  phases,
  priceRevision: _revision,
  ...plan
}: PlanRecord): z.input<typeof planSchema> => ({
  ...plan,
  rateCards: [...rateCards],
  features: [...features],
  phases: [...phases],
  createdAt: formatInstant(createdAtMs),
  archivedAt: instantOrNull(archivedAtMs),
});

export const versionSchema = z.object({
  plan: z.string(),
  version: z.int(),
  rateCards: z.array(rateCardSchema),
  commitment: commitmentSchema.nullable(),
  features: z.array(planFeatureSchema),
  draft: z.boolean().describe('May change, and takes no subscriptions'),
  unusedTime: unusedTimeSchema,
  changeRules: changeRulesSchema.nullable(),
  phases: phasesSchema,
  invoiceThresholds: invoiceThresholdsSchema.nullable(),
  createdAt: instantAnswer,
  archivedAt: instantAnswer.nullable().describe('Takes no new subscriptions since'),
});

export const showVersion = ({
  createdAtMs,
  archivedAtMs,
  rateCards,
  features,
  phases,
  priceRevision: _revision,
  ...version
}: PlanVersionRecord): z.input<typeof versionSchema> => ({
  ...version,
  rateCards: [...rateCards],
  features: [...features],
  phases: [...phases],
  createdAt: formatInstant(createdAtMs),
  archivedAt: instantOrNull(archivedAtMs),
});

const versionPosition = z.tuple([z.string().regex(/^\d{1,9}$/)]);

export function planRoutes(server: HttpServer, plans: PlanCatalog): void {
  const tags = ['Plans'];

  server.post(
    '/v1/plans',
    {
      config: { scope: 'admin', idempotent: true },
      schema: { summary: 'Create a plan with its first version', tags, body: newPlanSchema, response: { 201: planSchema } },
    },
    async (request, reply) => reply.code(201).send(showPlan(await plans.create(request.body, request.principal.tenant))),
  );

  server.get(
    '/v1/plans',
    {
      config: { scope: 'read' },
      schema: { summary: 'List plans', tags, querystring: z.strictObject(pageQuery), response: { 200: pageSchema(planSchema) } },
    },
    async (request) => pageAnswer(await plans.list(pageRequest(request.query), request.principal.tenant), showPlan),
  );

  server.get(
    '/v1/plans/:key',
    {
      config: { scope: 'read' },
      schema: { summary: 'Read a plan with its latest version', tags, params: keyParams, response: { 200: planSchema } },
    },
    async (request) => showPlan(await plans.get(request.params.key, request.principal.tenant)),
  );

  server.post(
    '/v1/plans/:key/versions',
    {
      config: { scope: 'admin', idempotent: true },
      schema: {
        summary: 'Give a plan new rate cards, and a commitment and features or none',
        description: 'Subscriptions that exist keep the version they began with.',
        tags,
        params: keyParams,
        body: newPlanVersionSchema,
        response: { 201: planSchema },
      },
    },
    async (request, reply) =>
      reply.code(201).send(showPlan(await plans.addVersion(request.params.key, request.body, request.principal.tenant))),
  );

  server.get(
    '/v1/plans/:key/versions',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List the versions of a plan',
        tags,
        params: keyParams,
        querystring: z.strictObject(pageQuery),
        response: { 200: pageSchema(versionSchema) },
      },
    },
    async (request) => {
      const page = pageRequest(request.query, versionPosition);
      return pageAnswer(await plans.versions(request.params.key, page, request.principal.tenant), showVersion);
    },
  );

  server.post(
    '/v1/plans/:key/archive',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Close a plan to new subscriptions',
        tags,
        params: keyParams,
        body: noBody,
        response: { 200: planSchema },
      },
    },
    async (request) => showPlan(await plans.archive(request.params.key, request.principal.tenant)),
  );
}
