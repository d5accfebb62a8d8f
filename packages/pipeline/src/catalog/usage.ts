import { Fault, type FaultDetail } from '@meterline/domain/faults';
import {
  civilOf,
  epochDayOf,
  floorMinute,
  localDateAt,
  startOfDateMs,
  WINDOW_SIZES,
  windowsBetween,
  type WindowSize,
} from '@meterline/domain/time';
import { z } from 'zod';
import type {
  CustomerStore,
  Cut,
  MeterRecord,
  MeterStore,
  TenantClock,
  UsageQuery,
  UsageReader,
  UsageRow,
} from '../ports/index.ts';
import { customerUnknown } from './customers.ts';
import { instantMs, instantSchema, keySchema, subjectSchema, timezoneSchema } from './fields.ts';
import { meterUnknown } from './meters.ts';

const WINDOWS_MAX = 10_000;
/** A year of minutes. */
const FOLDED_WINDOWS_MAX = 530_000;
const MINUTE_MS = 60_000;
/** Shortest length of a window, so that too long a range is refused before its windows are counted one by one. */
const WINDOW_MIN_MS = {
  minute: MINUTE_MS,
  '5_minutes': 5 * MINUTE_MS,
  '15_minutes': 15 * MINUTE_MS,
  hour: 60 * MINUTE_MS,
  day: 23 * 60 * MINUTE_MS,
  month: 27 * 24 * 60 * MINUTE_MS,
} as const satisfies Record<WindowSize, number>;

const wholeMinuteSchema = instantSchema.refine((value) => (instantMs(value) ?? 0) % MINUTE_MS === 0, 'must be a whole minute');
const oneOrMore = <Item extends z.ZodType<string>>(item: Item) =>
  z
    .union([item, z.array(item).min(1).max(1000)])
    .optional()
    .describe('Repeatable');

/** The query string of a usage query. */
export const usageInputSchema = z.strictObject({
  from: wholeMinuteSchema.optional().describe('Whole minute; start of the current month unless given'),
  to: wholeMinuteSchema.optional().describe('Whole minute, exclusive; now unless given'),
  window: z.enum(WINDOW_SIZES).optional().describe('One window over the whole range unless given'),
  timezone: timezoneSchema
    .optional()
    .describe("Zone of the windows, also of those a meter folds: the customer's, or UTC, unless given"),
  customer: keySchema.optional().describe('Usage of the subjects of this customer'),
  subject: oneOrMore(subjectSchema),
  groupBy: z.string().min(1).max(1000).optional().describe('Dimension names or `subject`, separated by commas'),
  filter: oneOrMore(
    z
      .string()
      .regex(/^[^:]+:/, 'must be `dimension:value`')
      .max(400),
  ),
});
export type UsageInput = z.output<typeof usageInputSchema>;

export interface UsageAnswer {
  readonly meter: MeterRecord;
  readonly fromMs: number;
  readonly toMs: number;
  readonly window: NonNullable<UsageInput['window']> | null;
  readonly timezone: string;
  readonly cut: Cut;
  readonly atMs: number;
  readonly rows: readonly UsageRow[];
}

interface Ports {
  readonly meters: MeterStore;
  readonly customers: CustomerStore;
  readonly usage: UsageReader;
  readonly clock: TenantClock;
}

export interface UsageQueries {
  /** Exact usage of one meter as of the committed cut. */
  query(meter: string, input: UsageInput, tenant: string): Promise<UsageAnswer>;
}

export function usageQueries({ meters, customers, usage, clock }: Ports): UsageQueries {
  return {
    async query(key, input, tenant) {
      const meter = await meters.byKey(key, tenant);
      if (meter === undefined) throw meterUnknown(key);
      const customer = input.customer === undefined ? undefined : await customers.byKey(input.customer, tenant);
      if (input.customer !== undefined && customer === undefined) throw customerUnknown(input.customer);

      const timezone = input.timezone ?? customer?.timezone ?? 'UTC';
      const nowMs = await clock.nowMs(tenant);
      const fromMs = instantMs(input.from) ?? monthStart(nowMs, timezone);
      const toMs = instantMs(input.to) ?? floorMinute(nowMs + MINUTE_MS - 1);
      const wanted = subjectsOf(list(input.subject), customer?.subjects);
      const { dimensions, bySubject } = groupingOf(input.groupBy);
      const filter = filterOf(list(input.filter));
      refuse([
        ...rangeFaults(fromMs, toMs, input.window, timezone),
        ...foldFaults(meter, toMs - fromMs, input.window),
        ...dimensionFaults(meter, dimensions, filter),
      ]);

      const query: UsageQuery = {
        meter,
        fromMs,
        toMs,
        bySubject,
        groupBy: dimensions,
        filter,
        ...(wanted === undefined ? {} : { subjects: wanted }),
        ...(meter.fold === undefined ? {} : { timezone }),
        ...(input.window === undefined ? {} : { window: { size: input.window, timezone } }),
      };
      const { rows, cut } = await usage.usage(query);
      return { meter, fromMs, toMs, window: input.window ?? null, timezone, cut, atMs: nowMs, rows };
    },
  };
}

const list = (value: string | string[] | undefined): string[] | undefined => (typeof value === 'string' ? [value] : value);

function monthStart(ms: number, timezone: string): number {
  const { year, month } = civilOf(localDateAt(ms, timezone));
  return startOfDateMs(epochDayOf(year, month, 1), timezone);
}

/** Subjects asked for by name narrow those of the customer. */
function subjectsOf(named: readonly string[] | undefined, owned: readonly string[] | undefined): readonly string[] | undefined {
  if (named === undefined || owned === undefined) return named ?? owned;
  return owned.filter((subject) => named.includes(subject));
}

function groupingOf(groupBy: string | undefined): { dimensions: string[]; bySubject: boolean } {
  const names = new Set(groupBy === undefined ? [] : groupBy.split(','));
  return { bySubject: names.delete('subject'), dimensions: [...names] };
}

function filterOf(filters: readonly string[] | undefined): Record<string, string[]> {
  const byName = new Map<string, string[]>();
  for (const filter of filters ?? []) {
    const colon = filter.indexOf(':');
    const name = filter.slice(0, colon);
    byName.set(name, [...(byName.get(name) ?? []), filter.slice(colon + 1)]);
  }
  return Object.fromEntries(byName);
}

function rangeFaults(fromMs: number, toMs: number, window: UsageInput['window'], timezone: string): FaultDetail[] {
  if (fromMs >= toMs) return [{ path: 'to', message: 'must be after from' }];
  if (window === undefined) return [];
  const few = (toMs - fromMs) / WINDOW_MIN_MS[window] <= WINDOWS_MAX * 2;
  if (few && windowsBetween({ fromMs, toMs, size: window, timezone }).length <= WINDOWS_MAX) return [];
  return [{ path: 'window', message: `must make at most ${WINDOWS_MAX} windows of the range` }];
}

/** A window shorter than those the meter folds would answer with the value of a part of one. */
function foldFaults({ key, fold }: MeterRecord, rangeMs: number, window: UsageInput['window']): FaultDetail[] {
  if (fold === undefined) return [];
  const faults: FaultDetail[] = [];
  if (window !== undefined && WINDOW_SIZES.indexOf(window) < WINDOW_SIZES.indexOf(fold.window))
    faults.push({
      path: 'window',
      message: `must not be shorter than ${fold.window}: meter "${key}" takes the ${fold.take} of such windows`,
    });
  if (rangeMs / WINDOW_MIN_MS[fold.window] > FOLDED_WINDOWS_MAX)
    faults.push({
      path: 'to',
      message: `must leave at most ${FOLDED_WINDOWS_MAX} windows of ${fold.window}, which meter "${key}" folds`,
    });
  return faults;
}

function dimensionFaults(
  meter: MeterRecord,
  groupBy: readonly string[],
  filter: Readonly<Record<string, unknown>>,
): FaultDetail[] {
  const unknown = (path: string) => (name: string) =>
    Object.hasOwn(meter.dimensions, name) ? [] : [{ path, message: `meter "${meter.key}" has no dimension "${name}"` }];
  return [...groupBy.flatMap(unknown('groupBy')), ...Object.keys(filter).flatMap(unknown('filter'))];
}

function refuse(errors: readonly FaultDetail[]): void {
  if (errors.length > 0) throw new Fault('invalid', 'usage.query_invalid', 'The usage query is not valid.', { errors });
}
