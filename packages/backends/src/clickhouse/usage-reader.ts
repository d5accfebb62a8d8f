import type { ClickHouseClient } from '@clickhouse/client';
import { Fault } from '@meterline/domain/faults';
import { dimensionNames, holdsLevel, storedMeter } from '@meterline/domain/meters';
import {
  type Cut,
  EVER,
  type GroupedEventValues,
  type GroupedLevels,
  type UsageQuery,
  type UsageReader,
  type UsageRow,
} from '@meterline/pipeline/ports';
import {
  type CarriedLevel,
  type CountedEvent,
  eventCounter,
  EventValues,
  hasEventValues,
  LatestSteps,
  LevelSteps,
  LevelUsage,
  queryWindows,
  type QueryWindows,
  SessionUsage,
  usageRows,
  type WindowValue,
} from '@meterline/pipeline/usage';
import { eventPages } from './event-pages.ts';
import { storedValues } from './stored-values.ts';
import type { Visible } from './usage-sql.ts';

/** What the billing store says may be seen. */
export interface UsageVisibility {
  committedCut(): Promise<Cut>;
  /** Per partition, how far rollups are committed without passing the cut. */
  rolledUp(cut: Cut): Promise<number[]>;
  /** Ids of the meter's complete backfills. */
  backfills(tenant: string, meter: string): Promise<number[]>;
}

const MINUTE_MS = 60_000;
/** Queries of one call that run at once; the engine has few sessions. */
const QUERIES_AT_ONCE = 3;
const PAGE_EVENTS = 20_000;

/** `pageEvents`: events held in memory at a time where usage is read from them. */
export function clickhouseUsageReader(
  client: ClickHouseClient,
  visibility: UsageVisibility,
  { pageEvents = PAGE_EVENTS }: { readonly pageEvents?: number } = {},
): UsageReader {
  async function windowValues(query: UsageQuery, windows: QueryWindows, visible: Visible): Promise<WindowValue[]> {
    const { aggregation, session } = query.meter;
    if (aggregation === 'weighted_sum')
      return fromEvents(query, query.fromMs, visible, new LevelUsage(query, windows.folded, await levelsAt(query, visible)));
    if (aggregation !== 'peak_concurrency') return storedValues(client, query, windows, visible);
    const sinceMs = query.fromMs - (session?.maxSeconds ?? 0) * 1000;
    return fromEvents(query, sinceMs, visible, new SessionUsage(query, windows.folded));
  }

  /** What the query's meter stored of all time before its range. */
  async function storedBefore({ window: _window, ...query }: UsageQuery, visible: Visible): Promise<WindowValue[]> {
    const stored = storedMeter(query.meter);
    if (stored === null || query.fromMs <= EVER.fromMs) return [];
    const before = { ...query, meter: stored, fromMs: EVER.fromMs, toMs: query.fromMs };
    return storedValues(client, before, queryWindows(before), visible);
  }

  /** The level of every series when the query's range begins. */
  async function levelsAt(query: UsageQuery, visible: Visible): Promise<CarriedLevel[]> {
    const levels = await storedBefore({ ...query, bySubject: true, groupBy: dimensionNames(query.meter) }, visible);
    return levels.map(({ subject, groups, value }) => ({ subject, dims: groups, level: value }));
  }

  /** Adds up the events of the query's meter from `fromMs` on, page by page. */
  async function fromEvents<Rows>(
    query: UsageQuery,
    fromMs: number,
    visible: Visible,
    usage: { add(event: CountedEvent): void; rows(): Rows },
  ): Promise<Rows> {
    const counted = eventCounter(query.meter, visible.origins.length > 1);
    const pages = eventPages(client, query, fromMs, visible.cut, pageEvents);
    for await (const page of pages) for (const event of counted(page)) usage.add(event);
    return usage.rows();
  }

  /** Answers every query by `answer`, in order, a few at once. */
  async function all<Answer>(
    queries: readonly UsageQuery[],
    cut: Cut,
    answer: (query: UsageQuery, visible: Visible) => Promise<Answer>,
  ): Promise<Answer[]> {
    const rolledUp = await visibility.rolledUp(cut);
    const answers: Answer[] = [];
    for (let at = 0; at < queries.length; at += QUERIES_AT_ONCE) {
      const some = queries.slice(at, at + QUERIES_AT_ONCE).map(async (query) => {
        check(query);
        const backfills = await visibility.backfills(query.meter.tenant, query.meter.key);
        return answer(query, { cut, rolledUp, origins: [0, ...backfills] });
      });
      answers.push(...(await Promise.all(some)));
    }
    return answers;
  }

  async function usageAll(queries: readonly UsageQuery[], wantedCut?: Cut) {
    const cut = wantedCut ?? (await visibility.committedCut());
    const results = await all(queries, cut, async (query, visible): Promise<readonly UsageRow[]> => {
      const windows = queryWindows(query);
      if (windows.answered.length === 0) return [];
      return usageRows(query, windows, await windowValues(query, windows, visible));
    });
    return { results, cut };
  }

  return {
    usageAll,
    async usage(query) {
      const { results, cut } = await usageAll([query], query.cut);
      return { rows: results[0] ?? [], cut };
    },
    eventValuesAll: (queries, cut) =>
      all(queries, cut, async (query, visible): Promise<readonly GroupedEventValues[]> => {
        if (!hasEventValues(query.meter)) throw new TypeError(`meter ${query.meter.key} has no values of single events`);
        return fromEvents(query, query.fromMs, visible, new EventValues(query));
      }),
    levelsAll: (queries, cut) =>
      all(queries, cut, async (query, visible): Promise<readonly GroupedLevels[]> => {
        const { meter, fromMs } = query;
        if (!holdsLevel(meter)) throw new TypeError(`meter ${meter.key} holds no level`);
        return meter.aggregation === 'latest'
          ? fromEvents(query, fromMs, visible, new LatestSteps(query, await storedBefore(query, visible)))
          : fromEvents(query, fromMs, visible, new LevelSteps(query, await levelsAt(query, visible)));
      }),
  };
}

function check({ meter, fromMs, toMs, groupBy, filter }: UsageQuery): void {
  if (fromMs % MINUTE_MS !== 0 || toMs % MINUTE_MS !== 0)
    throw new Fault('invalid', 'usage.not_whole_minutes', 'from and to must be whole minutes');
  const known = new Set(dimensionNames(meter));
  for (const name of [...(groupBy ?? []), ...Object.keys(filter ?? {})]) {
    if (!known.has(name)) throw new Fault('invalid', 'usage.unknown_dimension', `meter ${meter.key} has no dimension "${name}"`);
  }
}
