import type { Meter } from '@meterline/domain/meters';
import { add, decimal, formatDecimal, ZERO } from '@meterline/domain/money';
import type { Cut, UsageQuery, UsageReader, UsageRow } from '../ports/index.ts';

/** The usage of some subjects together. */
export interface UsageNeed {
  readonly meter: Meter;
  /** Half-open, whole minutes. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly subjects: readonly string[];
  readonly filter: Readonly<Record<string, readonly string[]>>;
}

export interface MeterUsage {
  /** Exact decimal text; "0" without events. */
  readonly quantity: string;
  readonly events: number;
}

const NONE: MeterUsage = { quantity: '0', events: 0 };
/** Queries split by subject name at most this many subjects. */
const SUBJECTS_PER_QUERY_MAX = 5000;

/**
 * Answers every need, in order, at one cut. Needs of the same meter, bounds and filter share one query split by subject wherever
 * adding up subjects is exact: for counts and sums, and for whoever has one subject. The maximum, minimum, latest or unique count
 * of several subjects is not the sum of theirs, so such a need is a query of its own.
 */
export async function meterUsage(
  reader: UsageReader,
  needs: readonly UsageNeed[],
  cut?: Cut,
): Promise<{ usage: MeterUsage[]; cut: Cut }> {
  // Without subjects there is no usage; to the reader, no subjects might mean everyone.
  const groups = [
    ...Map.groupBy(
      needs.filter((need) => need.subjects.length > 0),
      groupKey,
    ).values(),
  ];
  const asked = groups.map(queriesOf);
  const answer = await reader.usageAll(asked.flat(), cut);

  const usageOf = new Map<UsageNeed, MeterUsage>();
  let next = 0;
  groups.forEach((group, index) => {
    const queries = asked[index] ?? [];
    const rows = answer.results.slice(next, next + queries.length).flat();
    next += queries.length;
    const bySubject = Map.groupBy(rows, (row) => row.subject);
    const isSplit = queries[0]?.bySubject === true;
    for (const need of group) {
      usageOf.set(need, total(isSplit ? need.subjects.flatMap((subject) => bySubject.get(subject) ?? []) : rows));
    }
  });
  return { usage: needs.map((need) => usageOf.get(need) ?? NONE), cut: answer.cut };
}

/** Whether the need's usage is the sum of its subjects' usage. */
function isAdditive({ meter, subjects }: UsageNeed): boolean {
  return meter.aggregation === 'count' || meter.aggregation === 'sum' || subjects.length === 1;
}

/** Equal for needs that one query can answer. */
function groupKey(need: UsageNeed): string {
  const filter = Object.entries(need.filter).sort(([a], [b]) => (a < b ? -1 : 1));
  const shared = [need.meter.key, need.fromMs, need.toMs, filter];
  return JSON.stringify(isAdditive(need) ? shared : [...shared, need.subjects]);
}

/** The queries for needs of one group: one without a split if they ask for the same thing. */
function queriesOf(group: readonly UsageNeed[]): UsageQuery[] {
  const [first, ...others] = group;
  if (first === undefined) return [];
  const { meter, fromMs, toMs, filter } = first;
  const query = { meter, fromMs, toMs, ...(Object.keys(filter).length > 0 && { filter }) };
  if (others.every((other) => other.subjects === first.subjects) || !isAdditive(first))
    return [{ ...query, subjects: first.subjects }];
  const subjects = [...new Set(group.flatMap((need) => need.subjects))];
  const queries: UsageQuery[] = [];
  for (let from = 0; from < subjects.length; from += SUBJECTS_PER_QUERY_MAX) {
    queries.push({ ...query, subjects: subjects.slice(from, from + SUBJECTS_PER_QUERY_MAX), bySubject: true });
  }
  return queries;
}

function total(rows: readonly UsageRow[]): MeterUsage {
  return {
    quantity: formatDecimal(rows.reduce((sum, row) => add(sum, decimal(row.value)), ZERO)),
    events: rows.reduce((sum, row) => sum + row.events, 0),
  };
}
