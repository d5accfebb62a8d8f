import { LevelIntegral, type LevelTerms, windowIndexAt } from '@meterline/domain/meters';
import type { TimeWindow } from '@meterline/domain/time';
import type { UsageQuery } from '../ports/usage-reader.ts';
import { ByGroup, type CountedEvent, queryGrouping } from './counted-events.ts';
import type { WindowValue } from './query-windows.ts';

/** The level of a series when the range begins. */
export interface CarriedLevel {
  readonly subject: string;
  /** Every dimension of the meter. */
  readonly dims: readonly string[];
  readonly level: bigint;
}

/**
 * Usage of a weighted_sum: levels that were held at the start of the range and go on until they are changed, and the events of the range. Levels
 * that events state must come in order of time within their series; of several at one instant the largest stands, as for `latest`.
 */
export class LevelUsage {
  readonly #windows: readonly TimeWindow[];
  readonly #values: LevelTerms['values'];
  readonly #unit: LevelTerms['unit'];
  readonly #groupOf: ReturnType<typeof queryGrouping>;
  /** By series: the level that an event of the range replaces, and since when it holds; null for one held from before. */
  readonly #levels = new Map<string, { readonly level: bigint; readonly sinceMs: number | null }>();
  readonly #groups: ByGroup<{ integral: LevelIntegral; events: number[] }>;

  constructor(query: UsageQuery, windows: readonly TimeWindow[], carried: readonly CarriedLevel[]) {
    this.#windows = windows;
    this.#values = query.meter.level?.values ?? 'change';
    this.#unit = query.meter.level?.unit ?? 'second';
    this.#groupOf = queryGrouping(query);
    this.#groups = new ByGroup(() => ({ integral: new LevelIntegral(windows), events: windows.map(() => 0) }));
    for (const { subject, dims, level } of carried) {
      const group = this.#groupOf(subject, dims);
      if (group === null) continue;
      this.#groups.of(group).integral.change(query.fromMs, level);
      if (this.#values === 'absolute') this.#levels.set(seriesKey(subject, dims), { level, sinceMs: null });
    }
  }

  add({ subject, timeMs, contribution: { dims, value } }: CountedEvent): void {
    const group = this.#groupOf(subject, dims);
    if (group === null) return;
    const { integral, events } = this.#groups.of(group);
    integral.change(timeMs, this.#values === 'change' ? value : this.#changeTo(value, seriesKey(subject, dims), timeMs));
    const window = windowIndexAt(this.#windows, timeMs);
    events[window] = (events[window] ?? 0) + 1;
  }

  /** Windows in which there was a level, or an event. */
  rows(): WindowValue[] {
    const entries = this.#groups.entries().map(({ group, value: { integral, events } }) => {
      return { group, events, amounts: integral.amounts(this.#unit) };
    });
    return this.#windows.flatMap(({ fromMs }, index) =>
      entries.flatMap(({ group, events, amounts }): WindowValue[] => {
        const row = { fromMs, ...group, value: amounts[index] ?? 0n, events: events[index] ?? 0 };
        return row.value === 0n && row.events === 0 ? [] : [row];
      }),
    );
  }

  #changeTo(value: bigint, series: string, timeMs: number): bigint {
    const { level, sinceMs } = this.#levels.get(series) ?? { level: 0n, sinceMs: null };
    if (sinceMs === timeMs && value < level) return 0n;
    this.#levels.set(series, { level: value, sinceMs: timeMs });
    return value - level;
  }
}

function seriesKey(subject: string, dims: readonly string[]): string {
  return JSON.stringify([subject, dims]);
}
