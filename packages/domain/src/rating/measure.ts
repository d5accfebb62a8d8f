import { Fault } from '../faults/index.ts';
import * as ratio from '../money/ratio.ts';
import type { Ratio } from '../money/ratio.ts';
import type { EventValue, MeteredUsage, UsageGroup } from './metered-usage.ts';

/** Usage as numbers, counted from the start of the billing period. */
export interface Measure {
  readonly quantity: Ratio;
  /** Null: not told. */
  readonly events: bigint | null;
  /** Single events, each value once, the smallest first; null: not told. */
  readonly values: readonly ValueCount[] | null;
  readonly groups: readonly MeasuredGroup[] | null;
}

export interface ValueCount {
  readonly value: Ratio;
  readonly events: bigint;
}

export interface MeasuredGroup {
  readonly dimensions: Readonly<Record<string, string>>;
  readonly measure: Measure;
}

export const NOTHING: Measure = { quantity: ratio.ZERO, events: 0n, values: [], groups: [] };

/** As `MeteredUsage`, with what is not known left out. */
export type MeasuredInput = Pick<MeteredUsage, 'quantity' | 'groups' | 'values'> & {
  readonly events?: number | bigint | undefined;
};

/** Throws Fault `decimal.malformed`. */
export function measureOf({ quantity, events, values, groups }: MeasuredInput): Measure {
  return {
    quantity: ratio.read(quantity),
    events: events === undefined ? eventsOf(values, groups) : BigInt(events),
    values: values ? countedValues(values) : null,
    groups: groups ? mergedGroups(groups.map(groupOf)) : null,
  };
}

/** Usage goes on: what was there before, and what came. */
export function sumOf(a: Measure, b: Measure): Measure {
  if (a === NOTHING) return b;
  return {
    quantity: ratio.add(a.quantity, b.quantity),
    events: a.events === null || b.events === null ? null : a.events + b.events,
    values: joined(a.values, b.values, mergedValues),
    groups: joined(a.groups, b.groups, mergedGroups),
  };
}

/** Usage below zero counts as none. */
export function notBelowZero(measure: Measure): Measure {
  const { quantity, groups } = measure;
  if (measure === NOTHING || (groups === null && ratio.sign(quantity) >= 0)) return measure;
  return {
    ...measure,
    quantity: ratio.max(quantity, ratio.ZERO),
    groups: groups && groups.map((group) => ({ ...group, measure: notBelowZero(group.measure) })),
  };
}

/** The single events, which a rule of the price asks for; of one event, or none, the quantity tells. Throws Fault `usage.values_missing`. */
export function singleEvents({ quantity, events, values }: Measure): readonly ValueCount[] {
  if (values) return values;
  if (events === 1n) return [{ value: quantity, events: 1n }];
  if (events === 0n || (events === null && ratio.sign(quantity) === 0)) return [];
  throw missing('values', 'the price looks at single events: their values must be given, each with the number of events');
}

/** The groups that a price by dimensions asks for. Throws Fault `usage.groups_missing`. */
export function groupsIn({ quantity, groups }: Measure): readonly MeasuredGroup[] {
  if (groups) return groups;
  if (ratio.sign(quantity) === 0) return [];
  throw missing('groups', 'the price depends on dimensions: the usage of each combination of their values must be given');
}

/** The number of events that a fee per event asks for. Throws Fault `usage.events_missing`. */
export function eventsIn({ quantity, events }: Measure): bigint {
  if (events !== null) return events;
  if (ratio.sign(quantity) === 0) return 0n;
  throw missing('eventsCount', 'the price has a fee per event: the number of events must be given', 'events');
}

function missing(path: string, message: string, what = path): Fault {
  return new Fault('invalid', `usage.${what}_missing`, message, { errors: [{ path, message }] });
}

/** Without a count of its own, that of the finest account there is. */
function eventsOf(values: readonly EventValue[] | undefined, groups: readonly UsageGroup[] | undefined): bigint | null {
  const counts = values ? values.map(({ events }) => events) : groups?.map(({ events }) => events);
  if (counts?.every((events) => events !== undefined) !== true) return null;
  return counts.reduce((sum, events) => sum + BigInt(events), 0n);
}

function groupOf({ dimensions, quantity, events, values }: UsageGroup): MeasuredGroup {
  return { dimensions, measure: measureOf({ quantity, events, values }) };
}

function countedValues(values: readonly EventValue[]): ValueCount[] {
  return mergedValues(values.map(({ value, events }) => ({ value: ratio.read(value), events: BigInt(events) })));
}

function mergedValues(values: readonly ValueCount[]): ValueCount[] {
  const merged: ValueCount[] = [];
  for (const { value, events } of values.toSorted((a, b) => ratio.compare(a.value, b.value))) {
    const last = merged.at(-1);
    if (last && ratio.compare(last.value, value) === 0) merged[merged.length - 1] = { value, events: last.events + events };
    else merged.push({ value, events });
  }
  return merged;
}

function mergedGroups(groups: readonly MeasuredGroup[]): MeasuredGroup[] {
  const merged = new Map<string, MeasuredGroup>();
  for (const { dimensions, measure } of groups) {
    const key = groupKey(dimensions);
    const known = merged.get(key);
    merged.set(key, { dimensions, measure: known ? sumOf(known.measure, measure) : measure });
  }
  return [...merged.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}

/** Equal for the same combination of values, whatever the order of the names. */
function groupKey(dimensions: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(dimensions).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function joined<T>(a: readonly T[] | null, b: readonly T[] | null, merge: (all: readonly T[]) => T[]): T[] | null {
  return a === null || b === null ? null : merge([...a, ...b]);
}
