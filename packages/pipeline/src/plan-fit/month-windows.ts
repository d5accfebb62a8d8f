import type { Meter } from '@meterline/domain/meters';
import { windowsBetween } from '@meterline/domain/time';
import type { UsageQuery, UsageRow } from '../ports/index.ts';

/** The same questions in fewer queries. */
export interface FewerQueries {
  readonly queries: readonly UsageQuery[];
  /** The rows of each original query, in their order, from the answers to `queries`. */
  distribute(results: readonly (readonly UsageRow[])[]): (readonly UsageRow[])[];
}

/**
 * Asks for calendar months of the same usage as windows of one query: a query costs the usage store far more than the months in it. Months are those
 * of one of the zones; what is no run of them stays as it is, and so do meters that fold windows, levels or sessions of their own.
 */
export function inMonthWindows(queries: readonly UsageQuery[], zones: readonly string[]): FewerQueries {
  const groups = [...Map.groupBy(queries, usageKey).values()].flatMap((group) => {
    const merged = mergedQuery(group, zones);
    return merged === undefined ? group.map((query) => ({ asked: query, group: [query] })) : [{ asked: merged, group }];
  });
  return {
    queries: groups.map(({ asked }) => asked),
    distribute(results) {
      const rowsOf = new Map<UsageQuery, readonly UsageRow[]>();
      for (const [index, { asked, group }] of groups.entries()) {
        const rows = results[index] ?? [];
        for (const query of group)
          rowsOf.set(query, asked === query ? rows : rows.filter((row) => row.windowFromMs === query.fromMs));
      }
      return queries.map((query) => rowsOf.get(query) ?? []);
    },
  };
}

/** No month is longer, whatever the clock does in it. */
const MONTH_MS_MAX = 32 * 86_400_000;

/** Equal for months that differ in their bounds alone; longer ranges are asked for by themselves. */
function usageKey(query: UsageQuery): string {
  const { fromMs, toMs, ...rest } = query;
  return JSON.stringify(toMs - fromMs > MONTH_MS_MAX ? query : rest);
}

function mergedQuery(group: readonly UsageQuery[], zones: readonly string[]): UsageQuery | undefined {
  const inOrder = group.toSorted((a, b) => a.fromMs - b.fromMs);
  const [first, last] = [inOrder[0], inOrder.at(-1)];
  if (first === undefined || last === undefined || group.length === 1 || !foldsPlainly(first.meter)) return undefined;
  const range = { fromMs: first.fromMs, toMs: last.toMs };
  const timezone = zones.find((zone) => {
    const windows = windowsBetween({ ...range, size: 'month', timezone: zone });
    return (
      windows.length === inOrder.length &&
      windows.every(({ fromMs, toMs }, index) => fromMs === inOrder[index]?.fromMs && toMs === inOrder[index].toMs)
    );
  });
  return timezone === undefined ? undefined : { ...first, ...range, window: { size: 'month', timezone } };
}

function foldsPlainly({ aggregation, fold }: Meter): boolean {
  return fold === undefined && aggregation !== 'weighted_sum' && aggregation !== 'peak_concurrency';
}
