import type { Meter } from '@meterline/domain/meters';
import { add, decimal, formatDecimal, ZERO } from '@meterline/domain/money';
import type { UsageNeeds } from '@meterline/domain/prices';
import type { EventValue, MeteredUsage, UsageGroup } from '@meterline/domain/rating';
import { seatsHeld, type SharedPeriod, type Span } from '@meterline/domain/subscriptions';
import type { Cut, GroupedEventValues, GroupedLevels, UsageReader, UsageRow } from '../ports/index.ts';
import { addsUp, sharedQueries, type UsageAsk } from './shared-queries.ts';

/** The usage of some subjects together. */
export interface UsageNeed {
  readonly meter: Meter;
  /** Half-open, whole minutes; nothing where it is empty. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Of the windows that the meter folds. */
  readonly timezone: string;
  readonly subjects: readonly string[];
  readonly filter: Readonly<Record<string, readonly string[]>>;
  /** How finely the price needs it. */
  readonly detail: UsageNeeds;
  /** Of a price per seat: the part of the billing period that it is for, to tell the seats held then and how they changed. */
  readonly seats?: { readonly period: SharedPeriod; readonly part: Span };
}

type Group = Readonly<Record<string, string>>;

/** Answers every need, in order, at one cut: its quantity, by dimensions and by values of single events where the price needs them. */
export async function meterUsage(
  reader: UsageReader,
  needs: readonly UsageNeed[],
  cut?: Cut,
): Promise<{ usage: MeteredUsage[]; cut: Cut }> {
  // Without subjects there is no usage; to the reader, no subjects might mean everyone.
  const asked = needs.filter((need) => need.subjects.length > 0 && need.fromMs < need.toMs);
  // Groups of what adds up hold the total too.
  const counted = asked.filter(({ seats }) => seats === undefined);
  const totals = asksFor(counted.filter((need) => !isSplit(need) || !addsUp(need.meter)), () => []); // prettier-ignore
  const groups = asksFor(asked.filter(isSplit), (need) => need.detail.dimensions);
  const values = asksFor(asked.filter(({ detail }) => detail.perEvent), (need) => need.detail.dimensions); // prettier-ignore

  const seats = asksFor(asked.filter((need) => need.seats !== undefined), () => []); // prettier-ignore

  const usage = sharedQueries([...totals.values(), ...groups.values()]);
  const answer = await reader.usageAll(usage.queries, cut);
  const rowsOf = usage.distribute(answer.results);
  const events = sharedQueries([...values.values()]);
  const eventsOf = events.distribute(events.queries.length === 0 ? [] : await reader.eventValuesAll(events.queries, answer.cut));
  const levels = sharedQueries([...seats.values()]);
  const levelsOf = levels.distribute(levels.queries.length === 0 ? [] : await reader.levelsAll(levels.queries, answer.cut));

  const usageOf = (need: UsageNeed): MeteredUsage => {
    if (need.seats) return seatUsage(levelsOf(seats.get(need)), need.seats, need.timezone);
    const byGroup = groupsOf(rowsOf(groups.get(need)), eventsOf(values.get(need)), need.detail);
    const total = totals.get(need) ?? groups.get(need);
    return {
      ...sum(rowsOf(total)),
      ...(isSplit(need) && { groups: byGroup }),
      ...(need.detail.perEvent && { values: merged(eventsOf(values.get(need))) }),
    };
  };
  return { usage: needs.map(usageOf), cut: answer.cut };
}

/** Levels of subjects are asked for together: they are one, or none. */
function seatUsage(found: readonly GroupedLevels[], of: NonNullable<UsageNeed['seats']>, timezone: string): MeteredUsage {
  const [{ levels, events } = { levels: [], events: 0 }] = found;
  return { ...seatsHeld(levels, { ...of, timezone }), events };
}

function isSplit({ detail }: UsageNeed): boolean {
  return detail.dimensions.length > 0;
}

function asksFor(needs: readonly UsageNeed[], groupBy: (need: UsageNeed) => readonly string[]): Map<UsageNeed, UsageAsk> {
  return new Map(needs.map((need) => [need, { ...need, groupBy: groupBy(need) }]));
}

function groupsOf(rows: readonly UsageRow[], events: readonly GroupedEventValues[], { perEvent }: UsageNeeds): UsageGroup[] {
  const valuesOf = Map.groupBy(events, ({ group }) => groupKey(group));
  return [...Map.groupBy(rows, ({ group }) => groupKey(group))].flatMap(([key, those]): UsageGroup[] => {
    const [first] = those;
    if (first === undefined) return [];
    return [{ dimensions: first.group, ...sum(those), ...(perEvent && { values: merged(valuesOf.get(key) ?? []) }) }];
  });
}

function groupKey(group: Group): string {
  return JSON.stringify(Object.entries(group));
}

function sum(rows: readonly UsageRow[]): { quantity: string; events: number } {
  return {
    quantity: formatDecimal(rows.reduce((total, row) => add(total, decimal(row.value)), ZERO)),
    events: rows.reduce((total, row) => total + row.events, 0),
  };
}

function merged(parts: readonly GroupedEventValues[]): EventValue[] {
  const events = new Map<string, number>();
  for (const { values } of parts) for (const one of values) events.set(one.value, (events.get(one.value) ?? 0) + one.events);
  return [...events].map(([value, count]) => ({ value, events: count }));
}
