import type { Meter } from '@meterline/domain/meters';
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
  readonly window?: { readonly size: 'minute' | 'hour' | 'day' | 'month'; readonly timezone: string };
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
  /** Accepted events behind the value (a voided event no longer counts). */
  readonly events: number;
}

export interface UsageResult {
  /** Windows and groups with at least one event, ordered by window, subject, group. */
  readonly rows: readonly UsageRow[];
  readonly cut: Cut;
}

/** Exact usage at a cut. */
export interface UsageReader {
  usage(query: UsageQuery): Promise<UsageResult>;
  /** Several queries at one and the same cut. */
  usageAll(
    queries: readonly UsageQuery[],
    cut?: Cut,
  ): Promise<{ readonly results: readonly (readonly UsageRow[])[]; readonly cut: Cut }>;
}
