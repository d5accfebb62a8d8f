import { Fault } from '@meterline/domain/faults';
import { AGGREGATIONS } from '@meterline/domain/meters';
import { z } from 'zod';
import type { MeterDraft, MeterRecord, MeterStore, Page, PageRequest, TenantClock } from '../ports/index.ts';
import { nameSchema, text } from './fields.ts';
import {
  foldSchema,
  levelSchema,
  pathFault,
  pathSchema,
  sessionSchema,
  termsFaults,
  wholeFold,
  wholeSession,
} from './meter-terms.ts';

const DIMENSIONS_MAX = 8;
const FILTERS_MAX = 8;
const FILTER_VALUES_MAX = 100;

export const meterKeySchema = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,62}$/, 'must be lower-case letters, digits and _ (at most 63), beginning with a letter');

const filterValueSchema = z.string().max(256, 'must have at most 256 characters');
const filterValuesSchema = z.union([
  filterValueSchema,
  z.array(filterValueSchema).min(1, 'must name a value').max(FILTER_VALUES_MAX),
]);

/** `subject` is what usage is grouped by beside dimensions, so no dimension may be called that. */
const dimensionsSchema = z.record(z.string(), pathSchema).superRefine((dimensions, context) => {
  const names = Object.keys(dimensions);
  if (names.length > DIMENSIONS_MAX) context.addIssue(`must be at most ${DIMENSIONS_MAX} dimensions`);
  for (const name of names) {
    const message = dimensionNameFault(name);
    if (message !== undefined) context.addIssue({ code: 'custom', path: [name], message });
  }
});

const filterSchema = z.record(z.string(), filterValuesSchema).superRefine((filter, context) => {
  const paths = Object.keys(filter);
  if (paths.length > FILTERS_MAX) context.addIssue(`must be at most ${FILTERS_MAX} paths`);
  for (const path of paths) {
    const fault = pathFault(path);
    if (fault !== undefined) context.addIssue({ code: 'custom', path: [path], message: fault.message });
  }
});

export const newMeterSchema = z
  .strictObject({
    key: meterKeySchema,
    name: nameSchema.optional(),
    eventType: text(256),
    aggregation: z.enum(AGGREGATIONS),
    valueProperty: pathSchema.optional(),
    level: levelSchema.optional(),
    session: sessionSchema.optional(),
    fold: foldSchema.optional(),
    dimensions: dimensionsSchema.optional(),
    filter: filterSchema.optional(),
  })
  .superRefine((meter, context) => {
    for (const { path, message } of termsFaults(meter)) context.addIssue({ code: 'custom', path: [path], message });
  });

export type NewMeter = z.output<typeof newMeterSchema>;

function dimensionNameFault(name: string): string | undefined {
  if (name === 'subject') return 'subject is not a dimension: usage can always be grouped by it';
  if (name.length > 63 || !/^[a-zA-Z_][0-9a-zA-Z_]*$/.test(name)) {
    return 'a dimension name is letters, digits and _ (at most 63), not beginning with a digit';
  }
  return undefined;
}

export const meterUnknown = (key: string): Fault => new Fault('not_found', 'meter.unknown', `There is no meter "${key}".`);

export interface MeterCatalog {
  create(input: NewMeter, tenant: string): Promise<MeterRecord>;
  archive(key: string, tenant: string): Promise<MeterRecord>;
  get(key: string, tenant: string): Promise<MeterRecord>;
  list(request: PageRequest, tenant: string): Promise<Page<MeterRecord>>;
}

/** Meters never change once created: one that must count differently is another meter. */
export function meterCatalog(store: MeterStore, clock: TenantClock): MeterCatalog {
  return {
    async create(input, tenant) {
      const meter = await store.insert(draftOf(input), await clock.nowMs(tenant), tenant);
      if (meter !== undefined) return meter;
      throw new Fault('conflict', 'meter.key_taken', `There is a meter "${input.key}" already.`, {
        errors: [{ path: 'key', message: 'is taken' }],
      });
    },
    async archive(key, tenant) {
      const meter = await store.archive(key, await clock.nowMs(tenant), tenant);
      if (meter === undefined) throw meterUnknown(key);
      return meter;
    },
    async get(key, tenant) {
      const meter = await store.byKey(key, tenant);
      if (meter === undefined) throw meterUnknown(key);
      return meter;
    },
    list: (request, tenant) => store.page(request, tenant),
  };
}

function draftOf(input: NewMeter): MeterDraft {
  const filter = Object.entries(input.filter ?? {}).map(([path, values]) => [
    path,
    typeof values === 'string' ? [values] : values,
  ]);
  return {
    key: input.key,
    name: input.name ?? input.key,
    eventType: input.eventType,
    aggregation: input.aggregation,
    valueProperty: input.valueProperty ?? null,
    ...(input.level === undefined ? {} : { level: input.level }),
    ...(input.session === undefined ? {} : { session: wholeSession(input.session) }),
    ...(input.fold === undefined ? {} : { fold: wholeFold(input.fold) }),
    dimensions: input.dimensions ?? {},
    filter: Object.fromEntries(filter) as Record<string, string[]>,
  };
}
