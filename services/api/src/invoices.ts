import { Fault } from '@meterline/domain/faults';
import { type Language, toldIn } from '@meterline/domain/rating';
import { formatInstant } from '@meterline/domain/time';
import { instantMs, instantSchema, keySchema } from '@meterline/pipeline/catalog';
import {
  DEFAULT_SCHEDULE,
  type InvoiceRunPorts,
  nextRunMs,
  parseInvoice,
  requestInvoiceRun,
  setSchedule,
} from '@meterline/pipeline/invoices';
import type { PlanMoveRequestPorts } from '@meterline/pipeline/plan-moves';
import type { InvoiceRun, InvoiceSchedule, StoredInvoice } from '@meterline/pipeline/ports';
import type { HttpServer } from '@meterline/runtime/http';
import { pageQuery, pageSchema } from '@meterline/runtime/paging';
import { z } from 'zod';
import { idParams, instantAnswer, instantOrNull } from './fields.ts';
import { invoicePage } from './invoice-page.ts';
import { askedDocument, sendPage } from './page.ts';
import { pageAnswer, pageRequest } from './paging.ts';
import { queueRoutes } from './queues.ts';
import { languageSchema } from './rated-lines.ts';
import { periodSchema } from './spend.ts';

const runSchema = z.object({
  id: z.string(),
  subscription: z.string().nullable().describe('The only one that it looks at; null: all of them'),
  threshold: z.string().nullable().describe('It began as what the subscription owes for a period reached this; null: it did not'),
  at: instantAnswer.describe('Periods that ended at or before this instant are invoiced'),
  scheduled: z.boolean(),
  state: z.enum(['running', 'complete']),
  invoices: z.int().describe('Invoices this run issued'),
  targetCut: z.array(z.int()).describe('The log at the beginning of the run: invoices wait until all of it is sealed'),
  createdAt: instantAnswer,
  completedAt: instantAnswer.nullable(),
});

const scheduleSchema = z.object({ cron: z.string(), timezone: z.string(), nextRunAt: instantAnswer });
const newScheduleSchema = z.strictObject({
  cron: z.string().max(200).describe('minute hour day-of-month month day-of-week'),
  timezone: z.string().max(64).default('UTC'),
});

const invoiceSummarySchema = z.object({
  id: z.string(),
  number: z.string(),
  kind: z
    .enum(['period', 'advance', 'fee', 'interim'])
    .describe(
      'Of a billing period; before it, of a committed minimum or of the fees due in advance; or within it, of the usage so far',
    ),
  customer: z.string(),
  subscription: z.string(),
  plan: z.string(),
  period: periodSchema,
  usageTo: instantAnswer.optional().describe('Of an interim invoice: usage of the period before this instant is billed'),
  threshold: z
    .string()
    .optional()
    .describe('Of an interim invoice: the invoice threshold of the plan version that was reached with it'),
  currency: z.string(),
  total: z.string(),
  issuedAt: instantAnswer,
});

const showRun = ({
  id,
  subscription,
  threshold,
  atMs,
  scheduled,
  state,
  invoices,
  targetCut,
  createdAtMs,
  completedAtMs,
}: InvoiceRun): z.input<typeof runSchema> => ({
  id,
  subscription,
  threshold,
  at: formatInstant(atMs),
  scheduled,
  state,
  invoices,
  targetCut: [...targetCut],
  createdAt: formatInstant(createdAtMs),
  completedAt: instantOrNull(completedAtMs),
});

const showSchedule = ({ cron, timezone, nextRunAtMs }: InvoiceSchedule): z.input<typeof scheduleSchema> => ({
  cron,
  timezone,
  nextRunAt: formatInstant(nextRunAtMs),
});

function showSummary(stored: StoredInvoice): z.input<typeof invoiceSummarySchema> {
  const { id, number, customer, subscription, plan, period, interim, currency, total, issuedAt } = parseInvoice(stored);
  if (stored.kind === 'credit_note') throw new Error(`${number} is no invoice`);
  return {
    id,
    number,
    kind: stored.kind,
    customer: customer.key,
    subscription,
    plan,
    period: { from: period.from, to: period.to },
    ...(interim && { usageTo: interim.usageTo }),
    ...(interim?.threshold !== undefined && { threshold: interim.threshold }),
    currency,
    total,
    issuedAt,
  };
}

export interface InvoiceRoutesDeps extends InvoiceRunPorts, Pick<PlanMoveRequestPorts, 'planMoves'> {
  /** A schedule changed: the scheduler need not wait for its next look. */
  readonly onScheduleChange?: () => void;
}

/** `/v1/invoice-runs`, `/v1/invoice-schedule`, `/v1/invoices`, and the queue of their runs. */
export function invoiceRoutes(server: HttpServer, deps: InvoiceRoutesDeps): void {
  addRunRoutes(server, deps);
  addScheduleRoutes(server, deps);
  addInvoiceRoutes(server, deps);
  queueRoutes(server, deps);
}

function addRunRoutes(server: HttpServer, deps: InvoiceRoutesDeps): void {
  const tags = ['Invoices'];

  server.post(
    '/v1/invoice-runs',
    {
      config: { scope: 'admin', idempotent: true },
      schema: {
        summary:
          'Invoice every billing period that has ended and has no invoice yet; of those that have begun fees due in advance, and usage that is due within them',
        tags,
        body: z.strictObject({ at: instantSchema.optional().describe('Only periods that ended by then; default now') }).nullish(),
        response: { 202: runSchema },
      },
    },
    async ({ body, principal }, reply) => {
      const run = await requestInvoiceRun(deps, instantMs(body?.at), principal.tenant);
      return reply.code(202).send(showRun(run));
    },
  );

  server.get(
    '/v1/invoice-runs',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List invoice runs, newest first',
        tags,
        querystring: z.strictObject(pageQuery),
        response: { 200: pageSchema(runSchema) },
      },
    },
    async ({ query, principal }) => pageAnswer(await deps.invoices.runs(pageRequest(query), principal.tenant), showRun),
  );

  server.get(
    '/v1/invoice-runs/:id',
    {
      config: { scope: 'read' },
      schema: { summary: 'Read an invoice run', tags, params: idParams, response: { 200: runSchema } },
    },
    async ({ params, principal }) => {
      const run = await deps.invoices.run(params.id, principal.tenant);
      if (run === undefined) throw new Fault('not_found', 'invoice_run.unknown', `There is no invoice run "${params.id}".`);
      return showRun(run);
    },
  );
}

function addScheduleRoutes(server: HttpServer, deps: InvoiceRoutesDeps): void {
  const tags = ['Invoices'];
  const path = '/v1/invoice-schedule';

  server.get(
    path,
    { config: { scope: 'read' }, schema: { summary: 'When invoices are made', tags, response: { 200: scheduleSchema } } },
    async ({ principal }) => {
      const schedule = await deps.invoices.schedule(principal.tenant);
      return showSchedule(
        schedule ?? { ...DEFAULT_SCHEDULE, nextRunAtMs: nextRunMs(DEFAULT_SCHEDULE, await deps.clock.nowMs(principal.tenant)) },
      );
    },
  );

  server.put(
    path,
    {
      config: { scope: 'admin' },
      schema: { summary: 'Set when invoices are made', tags, body: newScheduleSchema, response: { 200: scheduleSchema } },
    },
    async ({ body, principal }) => {
      const schedule = await setSchedule({ schedules: deps.invoices, clock: deps.clock }, body, principal.tenant);
      deps.onScheduleChange?.();
      return showSchedule(schedule);
    },
  );
}

function addInvoiceRoutes(server: HttpServer, { invoices }: InvoiceRoutesDeps): void {
  const tags = ['Invoices'];

  server.get(
    '/v1/invoices',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List invoices, newest first',
        tags,
        querystring: z.strictObject({ ...pageQuery, customer: keySchema.optional() }),
        response: { 200: pageSchema(invoiceSummarySchema) },
      },
    },
    async ({ query, principal }) =>
      pageAnswer(await invoices.invoices({ ...pageRequest(query), customer: query.customer }, principal.tenant), showSummary),
  );

  server.get(
    '/v1/invoices/:id',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Read an invoice, byte for byte as issued',
        description:
          'With `Accept: text/html`, or `.html` after the id, a page to print. With `language`, the same document or page with its explanations told in it.',
        tags,
        params: idParams,
        querystring: z.strictObject({ language: languageSchema.optional() }),
      },
    },
    async ({ params, query, headers, principal }, reply) => {
      const { id, asPage } = askedDocument(params.id, headers.accept);
      const stored = await invoices.invoice(id, principal.tenant);
      if (stored === undefined || stored.kind === 'credit_note')
        throw new Fault('not_found', 'invoice.unknown', `There is no invoice "${id}".`);
      reply.serializer(String).header('vary', 'accept');
      const document = query.language === undefined ? stored.document : toldDocument(stored, query.language);
      if (!asPage) return reply.type('application/json; charset=utf-8').send(document);
      return sendPage(reply, invoicePage(parseInvoice({ document })));
    },
  );
}

/** What was issued, with its explanations told in a language; those of invoices under policy 1 are kept in English alone. */
function toldDocument(stored: StoredInvoice, language: Language): string {
  const invoice = parseInvoice(stored);
  const lines = invoice.lines.map((line) => ({ ...line, explanation: toldIn(line.explanation, language) }));
  return JSON.stringify({ ...invoice, lines });
}
