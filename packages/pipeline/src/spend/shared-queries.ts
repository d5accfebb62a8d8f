import type { Meter, WindowFold } from '@meterline/domain/meters';
import type { UsageQuery } from '../ports/index.ts';

/** Usage of some subjects together, by some dimensions. */
export interface UsageAsk {
  readonly meter: Meter;
  readonly fromMs: number;
  readonly toMs: number;
  readonly timezone: string;
  /** At least one. */
  readonly subjects: readonly string[];
  readonly filter: Readonly<Record<string, readonly string[]>>;
  readonly groupBy: readonly string[];
}

/** Queries split by subject name at most this many subjects, */
const SUBJECTS_PER_QUERY_MAX = 5000;
/** and fold at most this many windows, if one subject alone does not have more. */
const WINDOWS_PER_QUERY_MAX = 500_000;

const WINDOW_MS: Readonly<Record<WindowFold['window'], number>> = {
  minute: 60_000,
  '5_minutes': 300_000,
  '15_minutes': 900_000,
  hour: 3_600_000,
  day: 86_400_000,
  month: 28 * 86_400_000,
};

/** Whether usage of several subjects or groups is the sum of theirs: not that of a maximum, nor of folded windows. */
export function addsUp({ aggregation, fold }: Pick<Meter, 'aggregation' | 'fold'>): boolean {
  return fold === undefined && (aggregation === 'count' || aggregation === 'sum');
}

/**
 * The queries that answer every ask, and whose rows are whose. Asks of the same meter, bounds, filter and dimensions share one query split by subject
 * wherever adding up subjects is exact: where usage adds up, and for whoever has one subject. Any other is a query of its own.
 */
export function sharedQueries(asks: readonly UsageAsk[]): {
  readonly queries: readonly UsageQuery[];
  /** Hands out the rows that the queries were answered with, in their order. */
  distribute<Row extends { readonly subject: string | null }>(
    results: readonly (readonly Row[])[],
  ): (ask: UsageAsk | undefined) => readonly Row[];
} {
  const groups = [...Map.groupBy(asks, sharingKey).values()].map((group) => ({ group, queries: queriesOf(group) }));
  return {
    queries: groups.flatMap(({ queries }) => queries),
    distribute<Row extends { readonly subject: string | null }>(results: readonly (readonly Row[])[]) {
      const rowsOf = new Map<UsageAsk, readonly Row[]>();
      let next = 0;
      for (const { group, queries } of groups) {
        const rows = results.slice(next, next + queries.length).flat();
        next += queries.length;
        const bySubject = Map.groupBy(rows, (row) => row.subject);
        const isSplit = queries[0]?.bySubject === true;
        for (const ask of group)
          rowsOf.set(ask, isSplit ? ask.subjects.flatMap((subject) => bySubject.get(subject) ?? []) : rows);
      }
      return (ask) => (ask === undefined ? [] : (rowsOf.get(ask) ?? []));
    },
  };
}

function isSplittable({ meter, subjects }: UsageAsk): boolean {
  return addsUp(meter) || subjects.length === 1;
}

/** Equal for asks that one query can answer. */
function sharingKey(ask: UsageAsk): string {
  const { meter, fromMs, toMs, timezone, subjects, groupBy } = ask;
  const filter = Object.entries(ask.filter).sort(([a], [b]) => (a < b ? -1 : 1));
  const zone = meter.fold === undefined ? null : timezone;
  const shared = [meter.key, fromMs, toMs, zone, filter, groupBy];
  return JSON.stringify(isSplittable(ask) ? shared : [...shared, subjects]);
}

/** The queries for asks that share: one without a split if they ask for the same thing. */
function queriesOf(group: readonly UsageAsk[]): UsageQuery[] {
  const [first, ...others] = group;
  if (first === undefined) return [];
  const { meter, fromMs, toMs, timezone, filter, groupBy } = first;
  const query: Omit<UsageQuery, 'subjects'> = {
    meter,
    fromMs,
    toMs,
    ...(meter.fold !== undefined && { timezone }),
    ...(Object.keys(filter).length > 0 && { filter }),
    ...(groupBy.length > 0 && { groupBy }),
  };
  if (others.every((other) => other.subjects === first.subjects) || !isSplittable(first))
    return [{ ...query, subjects: first.subjects }];
  const subjects = [...new Set(group.flatMap((ask) => ask.subjects))];
  const atOnce = subjectsAtOnce(query);
  const queries: UsageQuery[] = [];
  for (let from = 0; from < subjects.length; from += atOnce) {
    queries.push({ ...query, subjects: subjects.slice(from, from + atOnce), bySubject: true });
  }
  return queries;
}

function subjectsAtOnce({ meter, fromMs, toMs }: Pick<UsageQuery, 'meter' | 'fromMs' | 'toMs'>): number {
  if (meter.fold === undefined) return SUBJECTS_PER_QUERY_MAX;
  const windows = Math.ceil((toMs - fromMs) / WINDOW_MS[meter.fold.window]);
  return Math.min(SUBJECTS_PER_QUERY_MAX, Math.max(1, Math.floor(WINDOWS_PER_QUERY_MAX / windows)));
}
