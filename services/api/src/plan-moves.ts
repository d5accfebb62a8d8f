import { Fault } from '@meterline/domain/faults';
import { formatInstant } from '@meterline/domain/time';
import { text } from '@meterline/pipeline/catalog';
import { newPlanMoveSchema, type PlanMoveRequestPorts, requestPlanMove } from '@meterline/pipeline/plan-moves';
import type { PlanMove, PlanMoveStep } from '@meterline/pipeline/ports';
import type { HttpServer } from '@meterline/runtime/http';
import { pageQuery, pageSchema } from '@meterline/runtime/paging';
import { z } from 'zod';
import { instantAnswer, instantOrNull, keyParams } from './fields.ts';
import { pageAnswer, pageRequest } from './paging.ts';

const decimalText = z.string().describe('Exact decimal');
const states = z.enum(['pending', 'moved', 'skipped', 'failed']);
const moveParams = z.strictObject({ key: text(256), id: text(256) });

const moveSchema = z.object({
  id: z.string(),
  plan: z.string(),
  toVersion: z.int(),
  fromVersions: z.array(z.int()).nullable().describe('null: every other version'),
  customers: z.array(z.string()).nullable().describe('null: all'),
  exceptCustomers: z.array(z.string()),
  when: z.enum(['now', 'renewal']),
  dryRun: z.boolean(),
  state: z.enum(['running', 'complete']),
  total: z.int().describe('Subscriptions that it is about, as it was asked for'),
  pending: z.int(),
  moved: z.int().describe('Of a dry run: that would be moved'),
  skipped: z.int().describe('Something of their own was in the way; each says what'),
  failed: z.int().describe('Given up after some attempts; each says why'),
  createdAt: instantAnswer,
  completedAt: instantAnswer.nullable(),
});

const stepSchema = z.object({
  subscription: z.string(),
  customer: z.string(),
  fromVersion: z.int(),
  state: states,
  reason: z.object({ code: z.string(), message: z.string() }).nullable(),
  effectiveAt: instantAnswer.nullable().describe('The new version is charged from this local midnight on'),
  change: z.string().nullable().describe('The change that was made'),
  estimate: z
    .object({ before: decimalText, after: decimalText, difference: decimalText })
    .nullable()
    .describe(
      'Of a dry run of at most 1,000 subscriptions: the invoices up to the first whole period afterwards, by what is used so far',
    ),
});

const showMove = ({
  counts,
  createdAtMs,
  completedAtMs,
  fromVersions,
  customers,
  exceptCustomers,
  ...move
}: PlanMove): z.input<typeof moveSchema> => ({
  ...move,
  fromVersions: fromVersions && [...fromVersions],
  customers: customers && [...customers],
  exceptCustomers: [...exceptCustomers],
  total: Object.values(counts).reduce((sum, count) => sum + count, 0),
  ...counts,
  createdAt: formatInstant(createdAtMs),
  completedAt: instantOrNull(completedAtMs),
});

const showStep =
  ({ dryRun }: PlanMove) =>
  ({ effectiveAtMs, attempts: _attempts, change, ...step }: PlanMoveStep): z.input<typeof stepSchema> => ({
    ...step,
    effectiveAt: instantOrNull(effectiveAtMs),
    change: step.state === 'moved' && !dryRun ? change : null,
  });

/** `/v1/plans/{key}/moves`. */
export function planMoveRoutes(server: HttpServer, ports: PlanMoveRequestPorts): void {
  const tags = ['Plans'];
  const path = '/v1/plans/:key/moves';

  async function moveOf(key: string, id: string, tenant: string): Promise<PlanMove> {
    const move = await ports.planMoves.move(id, tenant);
    if (move?.plan === key) return move;
    throw new Fault('not_found', 'plan_move.unknown', `Plan "${key}" has no move "${id}".`);
  }

  server.post(
    path,
    {
      config: { scope: 'admin', idempotent: true },
      schema: {
        summary: 'Move subscriptions of a plan to another version of it, now or at renewal',
        description:
          'Each gets an ordinary change of plan, one after the other, made by the vendor: rules of the plan are not asked, and no change fee is due. ' +
          'Those that are left out keep their version. A dry run only says what would change.',
        tags,
        params: keyParams,
        body: newPlanMoveSchema,
        response: { 201: moveSchema },
      },
    },
    async ({ params, body, principal }, reply) =>
      reply.code(201).send(showMove(await requestPlanMove(ports, params.key, body, principal.tenant))),
  );

  server.get(
    path,
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List the moves of a plan, newest first',
        tags,
        params: keyParams,
        querystring: z.strictObject(pageQuery),
        response: { 200: pageSchema(moveSchema) },
      },
    },
    async ({ params, query, principal: { tenant } }) => {
      if ((await ports.plans.byKey(params.key, tenant)) === undefined)
        throw new Fault('not_found', 'plan.unknown', `There is no plan "${params.key}".`);
      return pageAnswer(await ports.planMoves.moves(params.key, pageRequest(query), tenant), showMove);
    },
  );

  server.get(
    `${path}/:id`,
    {
      config: { scope: 'read' },
      schema: { summary: 'How far a move is', tags, params: moveParams, response: { 200: moveSchema } },
    },
    async ({ params, principal }) => showMove(await moveOf(params.key, params.id, principal.tenant)),
  );

  server.get(
    `${path}/:id/subscriptions`,
    {
      config: { scope: 'read' },
      schema: {
        summary: 'What became, or would become, of each subscription of a move',
        tags,
        params: moveParams,
        querystring: z.strictObject({ ...pageQuery, state: states.optional() }),
        response: { 200: pageSchema(stepSchema) },
      },
    },
    async ({ params, query, principal: { tenant } }) => {
      const move = await moveOf(params.key, params.id, tenant);
      const page = await ports.planMoves.steps(move.id, { ...pageRequest(query), state: query.state }, tenant);
      return pageAnswer(page, showStep(move));
    },
  );
}
