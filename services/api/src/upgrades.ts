import { quantitiesSchema, text } from '@meterline/pipeline/catalog';
import type { UpgradeRecord } from '@meterline/pipeline/ports';
import { rollBackUpgrade, startUpgrade, upgradeOf, type UpgradePorts, upgradeRequestSchema } from '@meterline/pipeline/upgrades';
import { formatInstant } from '@meterline/domain/time';
import type { HttpServer } from '@meterline/runtime/http';
import { pageQuery, pageSchema } from '@meterline/runtime/paging';
import { z } from 'zod';
import { idParams, instantAnswer, instantOrNull } from './fields.ts';
import { pageAnswer, pageRequest } from './paging.ts';

const decimalText = z.string().describe('Exact decimal');

const upgradeSchema = z.object({
  id: z.string(),
  subscription: z.string(),
  state: z
    .enum(['running', 'done', 'failed', 'rolled_back'])
    .describe('`failed`: nothing was changed. `rolled_back`: what was changed was taken back'),
  change: z.string().nullable().describe('Id of the change that was made'),
  extraCosts: z
    .array(
      z.object({
        ...{ rateCard: z.string(), name: z.string(), meter: z.string() },
        quantity: decimalText,
        amount: decimalText,
      }),
    )
    .describe('What usage costs beside the fees of the plan, as far as it was used'),
  snapshot: z
    .object({
      ...{ plan: z.string(), planVersion: z.int(), quantities: quantitiesSchema },
      usage: z.record(z.string(), decimalText).describe("Since the beginning of the customer's month, by meter"),
      features: z.array(z.string()),
      alertRules: z.array(z.string()),
    })
    .describe('How everything stood before'),
  steps: z.array(
    z.object({
      step: z.enum(['eligibility', 'prices', 'snapshot', 'switch', 'verification', 'rollback']),
      passed: z.boolean(),
      checks: z.array(z.object({ check: z.string(), passed: z.boolean(), message: z.string() })),
    }),
  ),
  createdAt: instantAnswer,
  graceUntil: instantAnswer.describe('Before then it is taken back on request'),
  finishedAt: instantAnswer.nullable(),
});

const upgradeParams = z.strictObject({ id: text(256), upgrade: text(256) });
const position = z.tuple([text(256)]);

function showUpgrade({ snapshot, steps, ...upgrade }: UpgradeRecord): z.input<typeof upgradeSchema> {
  const { id, subscription, state, change, extraCosts, createdAtMs, graceUntilMs, finishedAtMs } = upgrade;
  const { terms, quantities, usage, features, alertRules } = snapshot;
  return {
    ...{ id, subscription, state, change, extraCosts: [...extraCosts] },
    snapshot: {
      ...{ plan: terms.plan, planVersion: terms.planVersion, quantities, usage: usage.quantities },
      features: [...features],
      alertRules: Object.keys(alertRules),
    },
    steps: steps.map(({ step, checks }) => ({ step, passed: checks.every(({ passed }) => passed), checks: [...checks] })),
    createdAt: formatInstant(createdAtMs),
    graceUntil: formatInstant(graceUntilMs),
    finishedAt: instantOrNull(finishedAtMs),
  };
}

/** `/v1/subscriptions/{id}/upgrades`. */
export function upgradeRoutes(server: HttpServer, deps: UpgradePorts & { readonly onChange: () => void }): void {
  const tags = ['Subscriptions'];
  const path = '/v1/subscriptions/:id/upgrades';

  server.post(
    path,
    {
      config: { scope: 'admin', idempotent: true },
      schema: {
        summary: 'Upgrade a subscription in checked steps',
        description:
          'Whether it may, what it costs, a snapshot, the change of plan, and whether ingest, usage, spend, entitlements and alerts answer under the new ' +
          'plan. When one does not, the change is taken back.',
        tags,
        params: idParams,
        body: upgradeRequestSchema,
        response: { 201: upgradeSchema },
      },
    },
    async ({ params, body, principal }, reply) => {
      const upgrade = await startUpgrade(deps, params.id, body, principal.tenant);
      deps.onChange();
      return reply.code(201).send(showUpgrade(upgrade));
    },
  );

  server.get(
    path,
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List the upgrades of a subscription, newest first',
        tags,
        params: idParams,
        querystring: z.strictObject(pageQuery),
        response: { 200: pageSchema(upgradeSchema) },
      },
    },
    async ({ params, query, principal }) => {
      const request = { ...pageRequest(query, position), subscription: params.id };
      return pageAnswer(await deps.upgrades.page(request, principal.tenant), showUpgrade);
    },
  );

  server.get(
    `${path}/:upgrade`,
    {
      config: { scope: 'read' },
      schema: { summary: 'An upgrade with its steps', tags, params: upgradeParams, response: { 200: upgradeSchema } },
    },
    async ({ params, principal }) => showUpgrade(await upgradeOf(deps, params.id, params.upgrade, principal.tenant)),
  );

  server.post(
    `${path}/:upgrade/rollback`,
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Take an upgrade back within its grace period',
        description:
          'The subscription is what it was before; fees of the new plan are paid back, and its days are billed by the old one.',
        tags,
        params: upgradeParams,
        response: { 200: upgradeSchema },
      },
    },
    async ({ params, principal }) => {
      const upgrade = await rollBackUpgrade(deps, params.id, params.upgrade, principal.tenant);
      deps.onChange();
      return showUpgrade(upgrade);
    },
  );
}
