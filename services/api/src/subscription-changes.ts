import { commitmentSchema } from '@meterline/domain/commitments';
import { formatInstant } from '@meterline/domain/time';
import { quantitiesSchema, text } from '@meterline/pipeline/catalog';
import { billAtOnce, type InvoiceRunPorts } from '@meterline/pipeline/invoices';
import type { PhasingRecord, SubscriptionChangeRecord } from '@meterline/pipeline/ports';
import {
  changeOrTokenSchema,
  changeRequestSchema,
  changesOf,
  executeChange,
  type MadeChange,
  previewChange,
  type PreviewPorts,
  withdrawChange,
} from '@meterline/pipeline/subscription-changes';
import type { HttpServer } from '@meterline/runtime/http';
import { pageQuery, pageSchema } from '@meterline/runtime/paging';
import { z } from 'zod';
import { previewSchema, showPreview } from './change-preview.ts';
import { idParams, instantAnswer, instantOrNull } from './fields.ts';
import { pageAnswer, pageRequest } from './paging.ts';
import { showSubscription, subscriptionSchema } from './subscriptions.ts';

const changeSchema = z.object({
  id: z.string(),
  kind: z.enum(['start', 'plan', 'quantity', 'pause', 'resume', 'cancel', 'resubscribe', 'trial']),
  state: z.enum(['scheduled', 'done', 'withdrawn']).describe('`scheduled`: it has not begun yet, and can be withdrawn'),
  at: instantAnswer.describe('Holds from the local day of this instant on; `cancel` bills through it'),
  until: instantAnswer.nullable().describe('Local midnight from which on it no longer holds'),
  plan: z.string().optional(),
  planVersion: z.int().optional(),
  commitment: commitmentSchema.nullable().optional(),
  phases: z
    .array(z.object({ key: z.string(), until: instantAnswer.describe('Local midnight, exclusive') }))
    .optional()
    .describe('That its terms begin with; of a `trial` those of the change that it `amends`'),
  trialConverts: z.boolean().optional().describe('Whether the trial among them leads to what follows it'),
  amends: z.string().optional(),
  quantities: quantitiesSchema.optional(),
  fee: z.string().optional().describe('What the plan charges for the change'),
  createdAt: instantAnswer,
  withdrawnAt: instantAnswer.nullable(),
});
const madeSchema = z.object({ change: changeSchema, subscription: subscriptionSchema });
const changeParams = z.strictObject({ id: text(256), change: text(256) });
const changePosition = z.tuple([z.string().regex(/^\d{1,9}$/)]);

function showChange(change: SubscriptionChangeRecord, nowMs: number): z.input<typeof changeSchema> {
  const { id, kind, fromMs, untilMs, terms, phasing, amends, quantities, fee, createdAtMs, withdrawnAtMs } = change;
  return {
    ...{ id, kind },
    state: withdrawnAtMs !== null ? 'withdrawn' : fromMs > nowMs ? 'scheduled' : 'done',
    at: formatInstant(fromMs),
    until: instantOrNull(untilMs),
    ...terms,
    ...(phasing && phasesOf(phasing)),
    ...(amends !== undefined && { amends }),
    ...(quantities && { quantities }),
    ...(fee && { fee: fee.amount }),
    createdAt: formatInstant(createdAtMs),
    withdrawnAt: instantOrNull(withdrawnAtMs),
  };
}

function phasesOf({ phases, lapse }: PhasingRecord) {
  const hasTrial = phases.some(({ remindDays }) => remindDays !== null);
  return {
    phases: phases.map(({ key, untilMs }) => ({ key, until: formatInstant(untilMs) })),
    ...(hasTrial && { trialConverts: lapse === null }),
  };
}

export interface SubscriptionChangeDeps extends Omit<PreviewPorts, keyof InvoiceRunPorts>, InvoiceRunPorts {
  /** Rating has to look at somebody. */
  readonly onChange: () => void;
}

/** `/v1/subscriptions/{id}/changes`. */
export function subscriptionChangeRoutes(server: HttpServer, deps: SubscriptionChangeDeps): void {
  const tags = ['Subscriptions'];
  const path = '/v1/subscriptions/:id/changes';
  const answered = async ({ change, subscription }: MadeChange, tenant: string): Promise<z.input<typeof madeSchema>> => {
    deps.onChange();
    await billAtOnce(deps, subscription, tenant);
    const nowMs = await deps.clock.nowMs(tenant);
    return { change: showChange(change, nowMs), subscription: showSubscription(subscription, nowMs) };
  };

  server.post(
    path,
    {
      config: { scope: 'admin', idempotent: true },
      schema: {
        summary: 'Change a subscription, now or later',
        description:
          'Its days before the change stay as they are, billed by what they were. A change of plan gives its day to the new plan. Scheduled changes need ' +
          'nothing more to happen, and stay when another change is made before them.',
        tags,
        params: idParams,
        body: changeOrTokenSchema,
        response: { 201: madeSchema },
      },
    },
    async ({ params, body, principal }, reply) => {
      return reply.code(201).send(await answered(await executeChange(deps, params.id, body, principal.tenant), principal.tenant));
    },
  );

  server.post(
    `${path}/preview`,
    {
      config: { scope: 'read' },
      schema: {
        summary: 'What a change would do: charges, the next invoices, what is lost, what the last months would have cost',
        description: 'Nothing is made. With the token, `POST .../changes` does exactly this, or says what changed since.',
        tags,
        params: idParams,
        body: changeRequestSchema,
        response: { 200: previewSchema },
      },
    },
    async ({ params, body, principal }) => showPreview(await previewChange(deps, params.id, body, principal.tenant)),
  );

  server.get(
    path,
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List the changes of a subscription: scheduled, done and withdrawn ones',
        tags,
        params: idParams,
        querystring: z.strictObject(pageQuery),
        response: { 200: pageSchema(changeSchema) },
      },
    },
    async ({ params, query, principal }) => {
      const { after, limit } = pageRequest(query, changePosition);
      const changes = await changesOf(deps, params.id, principal.tenant);
      const rest = changes.filter(({ seq }) => seq > Number(after ?? 0));
      const items = rest.slice(0, limit);
      const nowMs = await deps.clock.nowMs(principal.tenant);
      const nextAfter = rest.length > limit ? String(items.at(-1)?.seq) : null;
      return pageAnswer({ items, nextAfter }, (change) => showChange(change, nowMs));
    },
  );

  server.delete(
    `${path}/:change`,
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Withdraw a change that is scheduled',
        tags,
        params: changeParams,
        response: { 200: madeSchema },
      },
    },
    async ({ params, principal }) =>
      answered(await withdrawChange(deps, params.id, params.change, principal.tenant), principal.tenant),
  );
}
