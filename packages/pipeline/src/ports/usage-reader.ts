import type { Meter } from '@meterline/domain/meters';
import type { EventValue } from '@meterline/domain/rating';
import type { HeldLevel } from '@meterline/domain/subscriptions';
import type { WindowSize } from '@meterline/domain/time';
import type { Cut } from './segment-ledger.ts';

export interface UsageQuery {
  readonly meter: Meter;
  /** Half-open [fromMs, toMs), both whole minutes. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Absent = all subjects of the tenant; empty = none. */
  readonly subjects?: readonly string[];
  /** Also split the result by subject. */
  readonly bySubject?: boolean;
  /** Dimension names to split the result by. */
  readonly groupBy?: readonly string[];
  /** Dimension name -> accepted values. */
  readonly filter?: Readonly<Record<string, readonly string[]>>;
  /** Absent = one window over the whole range. */
  readonly window?: { readonly size: WindowSize; readonly timezone: string };
  /** Zone of the windows that the meter itself folds; absent = UTC. */
  readonly timezone?: string;
  /** What to see; absent = the committed cut at the time of the call. */
  readonly cut?: Cut;
}

export interface UsageRow {
  readonly windowFromMs: number;
  readonly windowToMs: number;
  readonly subject: string | null;
  readonly group: Readonly<Record<string, string>>;
  /** Exact decimal text. */
  readonly value: string;
  /** Accepted events behind the value (a voided event no longer counts); of a peak_concurrency the sessions that began. */
  readonly events: number;
}

export interface UsageResult {
  /**
   * Windows and groups with at least one event, or with a level or an open session from before them, ordered by window, subject, group. A range
   * that reaches beyond what has happened is answered as if nothing more came: levels stay as they are.
   */
  readonly rows: readonly UsageRow[];
  readonly cut: Cut;
}

/** All time that a usage store can hold: 2000 to 2100. */
export const EVER = { fromMs: 946_684_800_000, toMs: 4_102_444_800_000 };

/** The values of single events of a subject (null: of all) and group. */
export interface GroupedEventValues {
  readonly subject: string | null;
  readonly group: Readonly<Record<string, string>>;
  /** Each value once, ascending. */
  readonly values: readonly EventValue[];
}

/** How the level of a subject (null: of all together) and group stands over a range. */
export interface GroupedLevels {
  readonly subject: string | null;
  readonly group: Readonly<Record<string, string>>;
  /** In time order: the level held when the range begins, if there is one, and from then on each that follows. */
  readonly levels: readonly HeldLevel[];
  /** Within the range. */
  readonly events: number;
}

/** Exact usage at a cut. */
export interface UsageReader {
  usage(query: UsageQuery): Promise<UsageResult>;
  /** Several queries at one and the same cut. */
  usageAll(
    queries: readonly UsageQuery[],
    cut?: Cut,
  ): Promise<{ readonly results: readonly (readonly UsageRow[])[]; readonly cut: Cut }>;
  /** The values of the events behind each query's usage over its whole range, for meters of count and sum. Reads every event. */
  eventValuesAll(queries: readonly UsageQuery[], cut: Cut): Promise<readonly (readonly GroupedEventValues[])[]>;
  /** The levels behind each query's usage over its whole range, for meters that hold one (`holdsLevel`). Reads every event of the range. */
  levelsAll(queries: readonly UsageQuery[], cut: Cut): Promise<readonly (readonly GroupedLevels[])[]>;
}
