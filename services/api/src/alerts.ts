import { Fault } from '@meterline/domain/faults';
import { createAlertRule, occurrenceDocument } from '@meterline/pipeline/alerts';
import { keySchema } from '@meterline/pipeline/catalog';
import type { AlertOccurrence, AlertRuleRecord, AlertRuleStore, TenantClock } from '@meterline/pipeline/ports';
import type { HttpServer } from '@meterline/runtime/http';
import { pageQuery, pageSchema } from '@meterline/runtime/paging';
import { formatInstant } from '@meterline/domain/time';
import { z } from 'zod';
import { instantAnswer, instantOrNull, keyParams } from './fields.ts';
import { pageAnswer, pageRequest } from './paging.ts';
import { asOfSchema, periodSchema } from './spend.ts';

const newRuleSchema = z.strictObject({
  key: keySchema.optional(),
  customer: keySchema.optional().describe('Watch this customer; give either customer or plan'),
  plan: keySchema.optional().describe('Watch every customer subscribed to this plan'),
  budget: z.string().max(40).optional().describe('Money per billing period; percentages are of it'),
  thresholds: z
    .array(z.string().max(40))
    .max(100)
    .describe('Amounts ("50.00") and percentages of the budget ("80%"); each fires once a billing period, when spend reaches it'),
});

const ruleSchema = z.object({
  key: z.string(),
  customer: z.string().nullable(),
  plan: z.string().nullable(),
  budget: z.string().nullable(),
  thresholds: z.array(z.string()),
  createdAt: instantAnswer,
  archivedAt: instantAnswer.nullable(),
});

const occurrenceSchema = z.object({
  id: z.string(),
  rule: z.string(),
  customer: z.string(),
  period: periodSchema,
  threshold: z.string(),
  thresholdAmount: z.string(),
  budget: z.string().nullable(),
  spend: z.string().describe('When it fired'),
  currency: z.string(),
  asOf: asOfSchema,
});

const showRule = ({ createdAtMs, archivedAtMs, thresholds, ...rule }: AlertRuleRecord): z.input<typeof ruleSchema> => ({
  ...rule,
  thresholds: [...thresholds],
  createdAt: formatInstant(createdAtMs),
  archivedAt: instantOrNull(archivedAtMs),
});

const showOccurrence = (occurrence: AlertOccurrence): z.input<typeof occurrenceSchema> => {
  const { asOf, ...document } = occurrenceDocument(occurrence);
  return { ...document, asOf: { cut: [...asOf.cut], at: asOf.at } };
};

export interface AlertRoutesDeps {
  readonly rules: AlertRuleStore;
  readonly clock: TenantClock;
  /** A rule was committed: rating need not wait for its next look. */
  readonly onChange?: () => void;
}

/** `/v1/alert-rules` and `/v1/alert-occurrences`. */
export function alertRoutes(server: HttpServer, deps: AlertRoutesDeps): void {
  const tags = ['Alerts'];
  const { rules, clock, onChange } = deps;

  server.post(
    '/v1/alert-rules',
    {
      config: { scope: 'admin', idempotent: true },
      schema: { summary: 'Create a spend alert rule', tags, body: newRuleSchema, response: { 201: ruleSchema } },
    },
    async ({ body, principal }, reply) => {
      const rule = await createAlertRule({ rules, clock }, body, principal.tenant);
      onChange?.();
      return reply.code(201).send(showRule(rule));
    },
  );

  server.get(
    '/v1/alert-rules',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List alert rules',
        tags,
        querystring: z.strictObject(pageQuery),
        response: { 200: pageSchema(ruleSchema) },
      },
    },
    async ({ query, principal }) => pageAnswer(await rules.page(pageRequest(query), principal.tenant), showRule),
  );

  server.get(
    '/v1/alert-rules/:key',
    {
      config: { scope: 'read' },
      schema: { summary: 'Read an alert rule', tags, params: keyParams, response: { 200: ruleSchema } },
    },
    async ({ params, principal }) => showRule(known(await rules.byKey(params.key, principal.tenant), params.key)),
  );

  server.delete(
    '/v1/alert-rules/:key',
    {
      config: { scope: 'admin' },
      schema: { summary: 'Archive an alert rule: it fires no more', tags, params: keyParams, response: { 200: ruleSchema } },
    },
    async ({ params, principal }) =>
      showRule(known(await rules.archive(params.key, await clock.nowMs(principal.tenant), principal.tenant), params.key)),
  );

  server.get(
    '/v1/alert-occurrences',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List alerts that fired, newest first',
        tags,
        querystring: z.strictObject({ ...pageQuery, customer: keySchema.optional() }),
        response: { 200: pageSchema(occurrenceSchema) },
      },
    },
    async ({ query, principal }) =>
      pageAnswer(await rules.occurrences({ ...pageRequest(query), customer: query.customer }, principal.tenant), showOccurrence),
  );
}

function known(rule: AlertRuleRecord | undefined, key: string): AlertRuleRecord {
  if (rule === undefined) throw new Fault('not_found', 'alert_rule.unknown', `There is no alert rule "${key}".`);
  return rule;
}
