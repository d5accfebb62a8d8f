import { Fault } from '@meterline/domain/faults';
import { AGGREGATIONS, storedAggregation } from '@meterline/domain/meters';
import { formatInstant } from '@meterline/domain/time';
import { foldSchema, levelSchema, newMeterSchema, sessionSchema, type MeterCatalog } from '@meterline/pipeline/catalog';
import type { Backfill, MeterRecord } from '@meterline/pipeline/ports';
import type { HttpServer } from '@meterline/runtime/http';
import { pageQuery, pageSchema } from '@meterline/runtime/paging';
import { z } from 'zod';
import { instantAnswer, instantOrNull, keyParams, noBody } from './fields.ts';
import { pageAnswer, pageRequest } from './paging.ts';

export type BackfillState = Pick<Backfill, 'state' | 'boundaries' | 'filledThrough'>;

/** Fills a meter from raw events that came before it. */
export interface MeterBackfill {
  /** Begins, unless it has begun already. Fails with `meter.unknown`. */
  start(tenant: string, meter: string): Promise<BackfillState>;
  state(tenant: string, meter: string): Promise<BackfillState | undefined>;
}

const meterSchema = z.object({
  key: z.string(),
  name: z.string(),
  eventType: z.string(),
  aggregation: z.enum(AGGREGATIONS),
  valueProperty: z.string().nullable(),
  level: levelSchema.nullable(),
  session: sessionSchema.nullable(),
  fold: foldSchema.nullable(),
  dimensions: z.record(z.string(), z.string()),
  filter: z.record(z.string(), z.array(z.string())),
  createdAt: instantAnswer,
  archivedAt: instantAnswer.nullable(),
});

const show = (meter: MeterRecord): z.input<typeof meterSchema> => ({
  key: meter.key,
  name: meter.name,
  eventType: meter.eventType,
  aggregation: meter.aggregation,
  valueProperty: meter.valueProperty,
  level: meter.level ?? null,
  session: meter.session ?? null,
  fold: meter.fold ?? null,
  dimensions: meter.dimensions,
  filter: Object.fromEntries(Object.entries(meter.filter).map(([path, values]) => [path, [...values]])),
  createdAt: formatInstant(meter.createdAtMs),
  archivedAt: instantOrNull(meter.archivedAtMs),
});

const backfillSchema = z.object({
  meter: z.string(),
  state: z.enum(['running', 'complete']),
  recordsFilled: z.int().describe('Records of the log gone through'),
  recordsTotal: z.int().describe('Records of the log to go through'),
});

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

const showBackfill = (meter: string, { state, boundaries, filledThrough }: BackfillState): z.input<typeof backfillSchema> => ({
  meter,
  state,
  recordsFilled: sum(filledThrough),
  recordsTotal: sum(boundaries.map(({ before }) => before)),
});

export function meterRoutes(server: HttpServer, { meters, backfill }: { meters: MeterCatalog; backfill: MeterBackfill }): void {
  const tags = ['Meters'];

  server.post(
    '/v1/meters',
    {
      config: { scope: 'admin', idempotent: true },
      schema: { summary: 'Create a meter', tags, body: newMeterSchema, response: { 201: meterSchema } },
    },
    async (request, reply) => reply.code(201).send(show(await meters.create(request.body, request.principal.tenant))),
  );

  server.get(
    '/v1/meters',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List meters',
        tags,
        querystring: z.strictObject(pageQuery),
        response: { 200: pageSchema(meterSchema) },
      },
    },
    async (request) => pageAnswer(await meters.list(pageRequest(request.query), request.principal.tenant), show),
  );

  server.get(
    '/v1/meters/:key',
    { config: { scope: 'read' }, schema: { summary: 'Read a meter', tags, params: keyParams, response: { 200: meterSchema } } },
    async (request) => show(await meters.get(request.params.key, request.principal.tenant)),
  );

  server.post(
    '/v1/meters/:key/archive',
    {
      config: { scope: 'admin' },
      schema: { summary: 'Stop a meter', tags, params: keyParams, body: noBody, response: { 200: meterSchema } },
    },
    async (request) => show(await meters.archive(request.params.key, request.principal.tenant)),
  );

  server.post(
    '/v1/meters/:key/backfill',
    {
      config: { scope: 'admin', idempotent: true },
      schema: {
        summary: 'Fill a meter from the events stored before it was created',
        tags,
        params: keyParams,
        body: noBody,
        response: { 202: backfillSchema },
      },
    },
    async (request, reply) => {
      const meter = await meters.get(request.params.key, request.principal.tenant);
      if (storedAggregation(meter) === null)
        throw new Fault(
          'conflict',
          'meter.backfill_needless',
          `Meter "${meter.key}" is computed from stored events and counts those from before its creation already.`,
        );
      return reply.code(202).send(showBackfill(meter.key, await backfill.start(request.principal.tenant, meter.key)));
    },
  );

  server.get(
    '/v1/meters/:key/backfill',
    {
      config: { scope: 'read' },
      schema: { summary: 'How far a backfill is', tags, params: keyParams, response: { 200: backfillSchema } },
    },
    async (request) => {
      const meter = await meters.get(request.params.key, request.principal.tenant);
      const state = await backfill.state(request.principal.tenant, meter.key);
      if (state !== undefined) return showBackfill(meter.key, state);
      throw new Fault('not_found', 'meter.backfill_unknown', `Meter "${meter.key}" has not been backfilled.`);
    },
  );
}
